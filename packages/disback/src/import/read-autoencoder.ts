import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Device } from "@disback/torch";
import type { Autoencoder } from "../models/autoencoder/autoencoder.js";
import { autoencoderFolder } from "../models/autoencoder/latent-codec.js";
import { loadAutoencoder } from "../models/autoencoder/storage.js";
import { autoencoderClasses, readDiffusersAutoencoder } from "./diffusers/autoencoder.js";
import { findComponent, isDiffusersFolder, readDiffusersFolder } from "./diffusers/folder.js";

/**
 * Reads an autoencoder: a folder of ours, the one inside a model folder, or `AutoencoderKL`, `VQModel` or `AutoencoderTiny` of
 * diffusers, alone or in a pipeline's folder.
 * @throws DisbackError naming file and field, or file and key
 */
export async function readAutoencoder(
  source: string,
  options: { device?: Device } = {},
): Promise<Autoencoder> {
  if (isDiffusersFolder(source)) {
    const component = findComponent(readDiffusersFolder(source), autoencoderClasses);
    const autoencoder = await readDiffusersAutoencoder(component);
    return options.device ? autoencoder.to({ device: options.device }) : autoencoder;
  }
  const inside = join(source, autoencoderFolder);
  return loadAutoencoder(existsSync(inside) ? inside : source, options);
}
