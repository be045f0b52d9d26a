import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Device } from "@disback/torch";
import { asTheyAre, type SampleCodec } from "../sample-codec.js";
import { autoencoderFolder, latentCodec } from "./latent-codec.js";
import { loadAutoencoder } from "./storage.js";

/**
 * The codec for a model folder's samples: its autoencoder, or none. @param shape shape of one sample of the model
 * @throws DisbackError as `loadAutoencoder`, or if its latents do not fit
 */
export function openCodec(
  modelFolder: string,
  shape: readonly number[],
  options: { device?: Device } = {},
): SampleCodec {
  const folder = join(modelFolder, autoencoderFolder);
  if (!existsSync(folder)) return asTheyAre(shape);
  return latentCodec(loadAutoencoder(folder, options), shape, folder);
}
