import { latentDecoder } from "../models/autoencoder/latent-codec.js";
import type { LatentDecoder } from "../models/sample-codec.js";
import { readAutoencoder } from "./read-autoencoder.js";

/**
 * A decoder for latents: of an autoencoder as `readAutoencoder` reads it.
 * @param shape shape of one latent, `[c, h, w]`
 * @throws DisbackError naming file and field, or if its latents do not fit
 */
export async function openDecoder(source: string, shape: readonly number[]): Promise<LatentDecoder> {
  return latentDecoder(await readAutoencoder(source), shape, source);
}
