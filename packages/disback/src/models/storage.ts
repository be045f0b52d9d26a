import { join } from "node:path";
import type { Device } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { buildDenoiser } from "./create-denoiser.js";
import type { DenoiserModule } from "./denoiser.js";
import { type DenoiserConfig, type DenoiserConfigInput, parseDenoiserConfig } from "./denoiser-config.js";
import {
  configFile,
  loadWeights,
  readConfigFile,
  type StoringOptions,
  weightsFile,
  writeModelFolder,
} from "./model-folder.js";
import type { PreconditionedDenoiser } from "./preconditioning/preconditioned.js";
import { numbersIn, refuseAbsurdSizes, weightsWithin } from "./sensible-sizes.js";

/**
 * Writes a denoiser as a folder of `model.safetensors` and `config.json`, each replaced atomically.
 * @param options.precision `f16` for half the space
 * @throws DisbackError naming the file that cannot be written
 */
export function saveModel(
  folder: string,
  denoiser: DenoiserModule,
  config: DenoiserConfigInput,
  options: StoringOptions = {},
): void {
  writeModelFolder(folder, denoiser, parseDenoiserConfig(config), options);
}

/**
 * Reads a model folder; the denoiser is in evaluation mode.
 * @param options.device device of the weights, default "cpu"
 * @param options.prompts instead of those that a model which is told a text was trained with
 * @throws DisbackError naming file and field, or file and key
 */
export function loadModel(
  folder: string,
  options: { device?: Device; prompts?: readonly string[] | undefined } = {},
): { denoiser: PreconditionedDenoiser; config: DenoiserConfig } {
  const stored = loadConfig(folder);
  const { prompts } = options;
  if (prompts && stored.network !== "text-unet")
    throw new DisbackError(`${folder}: this model is not told a text, so it takes no prompts`);
  const config = prompts ? parseDenoiserConfig({ ...stored, prompts }) : stored;
  const weights = join(folder, weightsFile);
  const fail = (problem: string): never => {
    throw new DisbackError(`${join(folder, configFile)}: ${problem}`);
  };
  refuseAbsurdSizes(config, fail);
  const denoiser = buildDenoiser(config, weightsWithin(numbersIn(weights), fail));
  loadWeights(weights, denoiser);
  if (options.device) denoiser.to({ device: options.device });
  return { denoiser: denoiser.eval(), config };
}

/** Reads and checks the configuration of a model folder. @throws DisbackError naming file and field */
export function loadConfig(folder: string): DenoiserConfig {
  const { path, value } = readConfigFile(folder);
  return parseDenoiserConfig(value, path);
}
