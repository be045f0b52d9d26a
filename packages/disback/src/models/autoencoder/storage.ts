import { join } from "node:path";
import type { Device } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { loadWeights, readConfigFile, weightsFile, writeModelFolder } from "../model-folder.js";
import { numbersIn, weightsWithin } from "../sensible-sizes.js";
import { type Autoencoder, buildAutoencoder } from "./autoencoder.js";
import { parseAutoencoderConfig } from "./autoencoder-config.js";

/** Writes `model.safetensors` and `config.json`. @throws DisbackError naming the file that cannot be written */
export function saveAutoencoder(folder: string, autoencoder: Autoencoder): void {
  writeModelFolder(folder, autoencoder, autoencoder.config);
}

/**
 * Reads what `saveAutoencoder` wrote; in evaluation mode, frozen.
 * @throws DisbackError naming file and field, or file and key
 */
export function loadAutoencoder(folder: string, options: { device?: Device } = {}): Autoencoder {
  const { path, value } = readConfigFile(folder);
  const weights = join(folder, weightsFile);
  const source = weightsWithin(numbersIn(weights), (problem) => {
    throw new DisbackError(`${path}: ${problem}`);
  });
  const autoencoder = buildAutoencoder(parseAutoencoderConfig(value, path), source);
  loadWeights(weights, autoencoder);
  if (options.device) autoencoder.to({ device: options.device });
  autoencoder.eval().requiresGrad_(false);
  return autoencoder;
}
