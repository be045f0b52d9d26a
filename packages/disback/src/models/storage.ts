import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Device,
  readSafetensors,
  scope,
  type Tensor,
  TorchError,
  writeSafetensors,
} from "@disback/torch";
import { DisbackError } from "../errors.js";
import { buildDenoiser } from "./create-denoiser.js";
import type { DenoiserModule } from "./denoiser.js";
import { type DenoiserConfig, type DenoiserConfigInput, parseDenoiserConfig } from "./denoiser-config.js";
import type { PreconditionedDenoiser } from "./preconditioning/preconditioned.js";
import { blankWeights } from "./weights.js";

/** File of a model folder that holds the configuration. */
export const configFile = "config.json";
/** File of a model folder that holds the weights. */
export const weightsFile = "model.safetensors";

/**
 * Writes a denoiser as a folder of `model.safetensors` and `config.json`, each replaced as a whole.
 * @throws DisbackError naming the file that cannot be written
 */
export function saveModel(folder: string, denoiser: DenoiserModule, config: DenoiserConfigInput): void {
  const complete = parseDenoiserConfig(config);
  const path = join(folder, configFile);
  try {
    mkdirSync(folder, { recursive: true });
    writeSafetensors(join(folder, weightsFile), denoiser.stateDict(), { format: "pt" });
    writeFileSync(`${path}.tmp`, `${JSON.stringify(complete, null, 2)}\n`);
    renameSync(`${path}.tmp`, path);
  } catch (error) {
    if (error instanceof TorchError) throw new DisbackError(error.message);
    throw new DisbackError(`${folder}: cannot write the model: ${reason(error)}`);
  }
}

/**
 * Reads a model folder; the denoiser is in evaluation mode.
 * @param options.device where the weights go, default "cpu"
 * @throws DisbackError naming file and field, or file and key
 */
export function loadModel(
  folder: string,
  options: { device?: Device } = {},
): { denoiser: PreconditionedDenoiser; config: DenoiserConfig } {
  const config = loadConfig(folder);
  const denoiser = buildDenoiser(config, blankWeights);
  loadWeights(join(folder, weightsFile), denoiser);
  if (options.device) denoiser.to({ device: options.device });
  return { denoiser: denoiser.eval(), config };
}

/** Reads and checks the configuration of a model folder. @throws DisbackError naming file and field */
export function loadConfig(folder: string): DenoiserConfig {
  const path = join(folder, configFile);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const isJson = error instanceof SyntaxError;
    throw new DisbackError(
      `${path}: ${isJson ? "not valid JSON" : `cannot read the model: ${reason(error)}`}`,
    );
  }
  return parseDenoiserConfig(value, path);
}

/**
 * Copies the weights of a safetensors file into a denoiser: every key must be there with its shape and dtype.
 * Weights of NVlabs/edm have the same keys.
 * @throws DisbackError naming file and key
 */
export function loadWeights(path: string, denoiser: DenoiserModule): void {
  scope(() => {
    try {
      const { tensors } = readSafetensors(path);
      checkFilters(path, denoiser.stateDict(), tensors);
      denoiser.loadStateDict(tensors);
    } catch (error) {
      if (!(error instanceof TorchError)) throw error;
      throw new DisbackError(error.message.startsWith(path) ? error.message : `${path}: ${error.message}`);
    }
  });
}

/** Resampling follows the configuration, not the stored kernels: they must agree. */
function checkFilters(path: string, expected: Map<string, Tensor>, given: ReadonlyMap<string, Tensor>): void {
  for (const [key, kernel] of expected) {
    const stored = key.endsWith("resample_filter") ? given.get(key) : undefined;
    if (!stored || stored.shape.join() !== kernel.shape.join()) continue;
    if (kernel.sub(stored).abs().max().item() > 1e-6) {
      throw new DisbackError(`${path}: ${key} is another filter than resampleFilter in ${configFile}`);
    }
  }
}

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return "no such file";
  if (code === "ENOSPC") return "no space left on the device";
  return error instanceof Error ? error.message : String(error);
}
