import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type DType,
  type Module,
  readSafetensors,
  scope,
  type Tensor,
  TorchError,
  writeSafetensors,
} from "@disback/torch";
import { DisbackError } from "../errors.js";
import { foreignJson } from "../foreign-file.js";

/** File of a model folder that holds the configuration. */
export const configFile = "config.json";
/** File of a model folder that holds the weights. */
export const weightsFile = "model.safetensors";

/** How weights are stored. */
export interface StoringOptions {
  /** `f16` takes half the space, rounds to 11 bits, and is read back as float32; default `f32`: as they are */
  precision?: "f32" | "f16";
}

/**
 * Writes a module as a folder of `model.safetensors` and `config.json`, each replaced atomically.
 * @throws DisbackError naming the file that cannot be written, or a weight beyond float16's range
 */
export function writeModelFolder(
  folder: string,
  module: Module,
  config: object,
  { precision = "f32" }: StoringOptions = {},
): void {
  const path = join(folder, configFile);
  try {
    mkdirSync(folder, { recursive: true });
    scope(() => {
      const weights = module.stateDict();
      writeSafetensors(join(folder, weightsFile), precision === "f16" ? halved(weights) : weights, {
        format: "pt",
      });
    });
    writeFileSync(`${path}.tmp`, `${JSON.stringify(config, null, 2)}\n`);
    renameSync(`${path}.tmp`, path);
  } catch (error) {
    if (error instanceof DisbackError) throw error;
    if (error instanceof TorchError) throw new DisbackError(error.message);
    throw new DisbackError(`${folder}: cannot write the model: ${reason(error)}`);
  }
}

/** float32 tensors as float16. @throws DisbackError naming a tensor with values beyond its range */
export function halved(weights: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const half = new Map<string, Tensor>();
  for (const [key, tensor] of weights) {
    const narrow = tensor.dtype === "float32" ? tensor.to("float16") : tensor;
    if (narrow !== tensor && !(narrow.abs().max().item() <= largestHalf))
      throw new DisbackError(`${key}: has values beyond float16's range; store it as f32`);
    half.set(key, narrow);
  }
  return half;
}

const largestHalf = 65504;

/** The configuration of a model folder, unchecked. @throws DisbackError naming the file */
export function readConfigFile(folder: string): { path: string; value: unknown } {
  const path = join(folder, configFile);
  try {
    return { path, value: JSON.parse(readFileSync(path, "utf8")) };
  } catch (error) {
    const isJson = error instanceof SyntaxError;
    throw new DisbackError(
      `${path}: ${isJson ? foreignJson(path) : `cannot read the model: ${reason(error)}`}`,
    );
  }
}

/** What a folder's configuration says it holds, its "format"; networks of ours and folders without one say nothing. */
export function formatOf(folder: string): unknown {
  try {
    const value = JSON.parse(readFileSync(join(folder, configFile), "utf8")) as { format?: unknown } | null;
    return value?.format;
  } catch {
    return undefined;
  }
}

/**
 * Copies the weights of a safetensors file into a module: every key must be there with its shape and dtype, or as
 * float16 or bfloat16, which take half the space. Weights of NVlabs/edm have the same keys.
 * @param options.part what the keys in the file begin with; others are not read
 * @throws DisbackError naming file and key
 */
export function loadWeights(path: string, module: Module, { part = "" }: { part?: string } = {}): void {
  scope(() => {
    try {
      const tensors = partOf(readSafetensors(path).tensors, part);
      const expected = module.stateDict();
      for (const [key, tensor] of tensors)
        if (halves.includes(tensor.dtype) && expected.get(key)?.dtype === "float32")
          tensors.set(key, tensor.float());
      checkFilters(path, expected, tensors);
      module.loadStateDict(tensors);
    } catch (error) {
      if (!(error instanceof TorchError)) throw error;
      throw new DisbackError(error.message.startsWith(path) ? error.message : `${path}: ${error.message}`);
    }
  });
}

/** The tensors whose keys begin so, without that beginning. */
function partOf(tensors: Map<string, Tensor>, part: string): Map<string, Tensor> {
  const own = [...tensors].filter(([key]) => key.startsWith(part));
  return new Map(own.map(([key, tensor]) => [key.slice(part.length), tensor]));
}

const halves: readonly DType[] = ["float16", "bfloat16"];

/** Resampling uses the configuration, not the stored kernels, so they must agree. */
function checkFilters(path: string, expected: Map<string, Tensor>, given: ReadonlyMap<string, Tensor>): void {
  for (const [key, kernel] of expected) {
    const stored = key.endsWith("resample_filter") ? given.get(key) : undefined;
    if (!stored || stored.shape.join() !== kernel.shape.join()) continue;
    if (kernel.sub(stored).abs().max().item() > 1e-6) {
      throw new DisbackError(`${path}: ${key} differs from resampleFilter in ${configFile}`);
    }
  }
}

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return "no such file";
  if (code === "ENOSPC") return "no space left on the device";
  return error instanceof Error ? error.message : String(error);
}
