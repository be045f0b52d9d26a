import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DisbackError } from "../../errors.js";
import { openCheckpoint } from "../checkpoint/open-checkpoint.js";
import type { StoredTensor } from "../checkpoint/stored-tensor.js";
import { findWeights } from "../find-weights.js";
import { shown } from "../pickle/text-values.js";
import { isSafetensors, openSafetensors } from "../safetensors/open-safetensors.js";
import type { StoredWeights } from "../stored-weights.js";
import { type DiffusersComponent, isPlainName, isTextTable } from "./folder.js";
import { readJsonObject } from "./json-file.js";

/** Diffusers' names of weight files, in its order of search; half precision comes last. */
const files = ["", ".fp16"].flatMap((variant) =>
  ["safetensors", "bin"].flatMap((extension) => [
    `diffusion_pytorch_model${variant}.${extension}`,
    `diffusion_pytorch_model.${extension}.index${variant}.json`,
  ]),
);

/** A component's weights and the file they were found in. */
export interface ComponentWeights extends StoredWeights {
  /** the file, or the index of the files, for messages */
  path: string;
}

/**
 * Opens the weights of a component: one file, or several with an index. Nothing in a `.bin` file is run.
 * @throws DisbackError naming the file that is missing or damaged, or the key that is listed wrongly
 */
export async function openComponentWeights(component: DiffusersComponent): Promise<ComponentWeights> {
  const name = files.find((file) => existsSync(join(component.folder, file)));
  if (name === undefined) {
    const near = readdirSync(component.folder).filter((file) =>
      /\.(safetensors|bin|msgpack|ckpt|h5)$/.test(file),
    );
    throw new DisbackError(
      `${join(component.folder, files[0]!)}: no such file${near.length > 0 ? `, only ${near.map(shown).join(", ")}` : ""}`,
    );
  }
  const path = join(component.folder, name);
  return {
    ...(name.endsWith(".json") ? await openShards(component.folder, path) : await openFile(path)),
    path,
  };
}

/** The contents decide the format, not the name. */
async function openFile(path: string): Promise<StoredWeights> {
  if (await isSafetensors(path)) return openSafetensors(path);
  const checkpoint = await openCheckpoint(path);
  try {
    return { format: checkpoint.format, tensors: findWeights(checkpoint).tensors, close: checkpoint.close };
  } catch (error) {
    checkpoint.close();
    throw error;
  }
}

/** Weights in several files: the index says which key is in which. */
async function openShards(folder: string, index: string): Promise<StoredWeights> {
  const table = readJsonObject(index)["weight_map"];
  if (!isTextTable(table)) throw new DisbackError(`${index}: "weight_map" must name a file for each key`);
  for (const [key, file] of Object.entries(table)) {
    const safe = isPlainName(file) && /\.(safetensors|bin)$/.test(file);
    if (!safe)
      throw new DisbackError(
        `${index}: "${shown(key)}": "${shown(file)}" is not a file of this folder: refused`,
      );
  }
  const shards = new Map<string, StoredWeights>();
  const close = () => {
    for (const shard of shards.values()) shard.close();
  };
  try {
    for (const file of new Set(Object.values(table))) shards.set(file, await openFile(join(folder, file)));
    const tensors = new Map<string, StoredTensor>();
    for (const [key, file] of Object.entries(table)) {
      const tensor = shards.get(file)!.tensors.get(key);
      if (!tensor)
        throw new DisbackError(
          `${join(folder, file)}: ${shown(key)} is missing, which ${index} says is there`,
        );
      tensors.set(key, tensor);
    }
    const unlisted = [...shards].flatMap(([file, shard]) =>
      [...shard.tensors.keys()].filter((key) => table[key] !== file).map((key) => `${file}: ${key}`),
    );
    if (unlisted.length > 0) throw new DisbackError(`${index}: does not list ${shown(unlisted[0]!)}`);
    const { format } = [...shards.values()][0] ?? { format: "no weights" };
    return { format: `${format}, ${shards.size} files`, tensors, close };
  } catch (error) {
    close();
    throw error;
  }
}
