import { constants, copyFileSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { PipelinePart } from "../../import/pipeline/pipeline-folder.js";
import { chosenWeights, shardTable } from "../../import/tensors/component-tensors.js";

/** Weights in any format, and their indices. */
const weights = /\.(safetensors|bin|ckpt|pth?|h5|msgpack|gguf|onnx|onnx_data|pb)$|\.index(\.[\w-]+)?\.json$/;

/**
 * Copies a part of a pipeline: of its weights, those that are opened, under names without a variant. Links are followed.
 * @param to the folder, which is made @param withWeights false leaves out its weights
 * @returns bytes
 */
export function copyPart({ folder, library }: PipelinePart, to: string, withWeights = true): number {
  mkdirSync(to, { recursive: true });
  const files = new Map<string, string>();
  for (const name of readdirSync(folder))
    if (!weights.test(name) && statSync(join(folder, name)).isFile()) files.set(name, name);
  const chosen = chosenWeights(folder, library === "diffusers" ? "diffusers" : "transformers");
  if (chosen && withWeights) {
    const { name, variant } = chosen;
    files.set(name, variant === "" ? name : name.replace(`.${variant}`, ""));
    if (name.endsWith(".json"))
      for (const shard of Object.values(shardTable(join(folder, name)))) files.set(shard, shard);
  }
  let bytes = 0;
  for (const [name, copy] of files) {
    // Shares the blocks where the file system can.
    copyFileSync(join(folder, name), join(to, copy), constants.COPYFILE_FICLONE);
    bytes += statSync(join(to, copy)).size;
  }
  return bytes;
}
