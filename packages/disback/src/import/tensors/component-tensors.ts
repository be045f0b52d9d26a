import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DisbackError } from "../../errors.js";
import { isPlainName, isTextTable } from "../diffusers/folder.js";
import { readJsonObject } from "../diffusers/json-file.js";
import { shown } from "../pickle/text-values.js";
import { openTensorFile, type TensorTable } from "./tensor-file.js";

/** Whose names a folder's files have. */
export type Library = "diffusers" | "transformers";

/** What the libraries call their weights, without variant and shard. */
const stems: Readonly<Record<Library, readonly [safetensors: string, bin: string]>> = {
  diffusers: ["diffusion_pytorch_model", "diffusion_pytorch_model"],
  transformers: ["model", "pytorch_model"],
};

/** The weights of a part of a pipeline. */
export interface ComponentTensors {
  tensors: TensorTable;
  /** the file, or the index of several, for messages */
  path: string;
}

/**
 * Opens the weights of a part of a pipeline: one file, or several with an index; `.safetensors` before `.bin`.
 * @param variant "fp16" for files that are called so; default: those without one, or else the only one there is
 * @throws DisbackError naming the file that is missing or damaged, the variants there are, or the key that is listed wrongly
 */
export async function openComponentTensors(
  folder: string,
  library: Library,
  variant?: string,
): Promise<ComponentTensors> {
  const { name } = chooseFile(folder, library, variant);
  const path = join(folder, name);
  const tensors = name.endsWith(".json") ? await openShards(folder, path) : await openTensorFile(path);
  return { tensors, path };
}

/** A file of weights, or an index of several, as `openComponentTensors` chooses it. */
export interface ChosenFile {
  name: string;
  /** "" for none */
  variant: string;
}

/**
 * The file that `openComponentTensors` opens; `undefined` for a folder without weights.
 * @throws DisbackError naming the variants there are, if none can be chosen
 */
export function chosenWeights(folder: string, library: Library): ChosenFile | undefined {
  return candidatesIn(folder, library).size === 0 ? undefined : chooseFile(folder, library, undefined);
}

/** Files of weights in a folder by their variant. */
function candidatesIn(folder: string, library: Library): Map<string, string[]> {
  const candidates = new Map<string, string[]>();
  for (const file of readdirSync(folder)) {
    const found = variantOf(file, library);
    if (found !== undefined) candidates.set(found, [...(candidates.get(found) ?? []), file]);
  }
  return candidates;
}

function chooseFile(folder: string, library: Library, variant: string | undefined): ChosenFile {
  if (!existsSync(folder)) throw new DisbackError(`${folder}: no such folder`);
  const candidates = candidatesIn(folder, library);
  const all = [...candidates.keys()];
  const wanted = variant ?? (candidates.has("") || all.length !== 1 ? "" : all[0]!);
  const files = candidates.get(wanted);
  if (files) return { name: files.sort((a, b) => rank(a) - rank(b))[0]!, variant: wanted };
  const there = all.map((one) => (one === "" ? "one without a variant" : `"${shown(one)}"`)).join(", ");
  const usual = `${stems[library][0]}${variant ? `.${variant}` : ""}.safetensors`;
  throw new DisbackError(
    `${join(folder, usual)}: no such file${there ? `; variants there are: ${there}` : ""}`,
  );
}

/** The variant of a file of weights or of an index, "" for none; undefined for other files and single shards. */
function variantOf(file: string, library: Library): string | undefined {
  const [safetensors, bin] = stems[library];
  for (const [stem, extension] of [
    [safetensors, "safetensors"],
    [bin, "bin"],
  ] as const) {
    if (!file.startsWith(stem)) continue;
    const rest = file.slice(stem.length);
    const single = new RegExp(`^(?:\\.([\\w-]+))?\\.${extension}$`).exec(rest);
    const index = new RegExp(`^(?:\\.([\\w-]+))?\\.${extension}\\.index(?:\\.([\\w-]+))?\\.json$`).exec(rest);
    if (single && !/-\d{5}-of-\d{5}$/.test(single[1] ?? "")) return single[1] ?? "";
    if (index) return index[1] ?? index[2] ?? "";
  }
  return undefined;
}

/** What is preferred among the files of one variant. */
function rank(file: string): number {
  return (/\.bin/.test(file) ? 2 : 0) + (file.endsWith(".json") ? 1 : 0);
}

/** Weights in several files: the index says which key is in which. */
async function openShards(folder: string, index: string): Promise<TensorTable> {
  const table = shardTable(index);
  const tensors: TensorTable = new Map();
  for (const file of new Set(Object.values(table))) {
    const shard = await openTensorFile(join(folder, file));
    for (const [key, tensor] of shard) {
      if (table[key] !== file)
        throw new DisbackError(`${index}: does not list ${shown(file)}: ${shown(key)}`);
      tensors.set(key, tensor);
    }
  }
  const missing = Object.keys(table).find((key) => !tensors.has(key));
  if (missing !== undefined) {
    throw new DisbackError(
      `${join(folder, table[missing]!)}: ${shown(missing)} is missing, which ${index} lists`,
    );
  }
  return tensors;
}

/** The file of each key, by an index. @throws DisbackError naming the index */
export function shardTable(index: string): Readonly<Record<string, string>> {
  const table = readJsonObject(index)["weight_map"];
  if (!isTextTable(table)) throw new DisbackError(`${index}: "weight_map" must name a file for each key`);
  for (const file of Object.values(table))
    if (!isPlainName(file) || !/\.(safetensors|bin)$/.test(file))
      throw new DisbackError(`${index}: "${shown(file)}" is no file of this folder: refused`);
  return table;
}
