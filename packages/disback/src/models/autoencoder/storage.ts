import { join } from "node:path";
import type { Device } from "@disback/torch";
import { loadWeights, readConfigFile, weightsFile, writeModelFolder } from "../model-folder.js";
import { blankWeights } from "../weights.js";
import { parseAutoencoderConfig } from "./autoencoder-config.js";
import { AutoencoderKl } from "./autoencoder-kl.js";

/** Writes `model.safetensors` and `config.json`. @throws DisbackError naming the file that cannot be written */
export function saveAutoencoder(folder: string, autoencoder: AutoencoderKl): void {
  writeModelFolder(folder, autoencoder, autoencoder.config);
}

/**
 * Reads what `saveAutoencoder` wrote; in evaluation mode, frozen.
 * @throws DisbackError naming file and field, or file and key
 */
export function loadAutoencoder(folder: string, options: { device?: Device } = {}): AutoencoderKl {
  const { path, value } = readConfigFile(folder);
  const autoencoder = new AutoencoderKl(blankWeights, parseAutoencoderConfig(value, path));
  loadWeights(join(folder, weightsFile), autoencoder);
  if (options.device) autoencoder.to({ device: options.device });
  return autoencoder.eval().requiresGrad_(false);
}
