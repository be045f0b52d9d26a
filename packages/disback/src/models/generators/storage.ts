import { join } from "node:path";
import type { Device } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { configFile, loadWeights, readConfigFile, weightsFile, writeModelFolder } from "../model-folder.js";
import { numbersIn, weightsWithin } from "../sensible-sizes.js";
import { buildGenerator } from "./create-generator.js";
import {
  type GeneratorConfig,
  type GeneratorConfigInput,
  isGeneratorConfig,
  parseGeneratorConfig,
} from "./generator-config.js";
import type { LatentGenerator } from "./latent-generator.js";

/** Whether a model folder holds a generator from a vector. */
export function isGeneratorFolder(folder: string): boolean {
  return isGeneratorConfig(readConfigFile(folder).value);
}

/**
 * Writes a generator as a folder of `model.safetensors` and `config.json`, each replaced atomically.
 * @throws DisbackError naming the file that cannot be written
 */
export function saveGenerator(
  folder: string,
  generator: LatentGenerator,
  config: GeneratorConfigInput,
): void {
  writeModelFolder(folder, generator, parseGeneratorConfig(config));
}

/**
 * Reads a folder that `saveGenerator` wrote; the generator is in evaluation mode.
 * @throws DisbackError naming file and field, or file and key
 */
export function loadGenerator(
  folder: string,
  options: { device?: Device } = {},
): { generator: LatentGenerator; config: GeneratorConfig } {
  const { path, value } = readConfigFile(folder);
  const config = parseGeneratorConfig(value, path);
  const weights = join(folder, weightsFile);
  const source = weightsWithin(numbersIn(weights), (problem) => {
    throw new DisbackError(`${join(folder, configFile)}: ${problem}`);
  });
  const generator = buildGenerator(config, source);
  loadWeights(weights, generator);
  if (options.device) generator.to({ device: options.device });
  return { generator: generator.eval(), config };
}
