import { existsSync } from "node:fs";
import { join } from "node:path";
import { latentDecoder } from "../models/autoencoder/latent-codec.js";
import type { LatentDecoder } from "../models/sample-codec.js";
import { readJsonObject } from "./diffusers/json-file.js";
import { openPipelineAutoencoder } from "./pipeline/open-autoencoder.js";
import { readAutoencoder } from "./read-autoencoder.js";

/**
 * A decoder for latents: of an `AutoencoderTiny` or another autoencoder of diffusers, alone or in a pipeline's folder, or
 * of an autoencoder of ours.
 * @param shape shape of one latent, `[c, h, w]`
 * @throws DisbackError naming file and field, or if its latents do not fit
 */
export async function openDecoder(source: string, shape: readonly number[]): Promise<LatentDecoder> {
  const folder = [source, join(source, "vae")].find((one) => classIn(one) === "AutoencoderTiny");
  const part = { name: "vae", library: "diffusers", className: "AutoencoderTiny" };
  const autoencoder =
    folder === undefined ? await readAutoencoder(source) : await openPipelineAutoencoder({ ...part, folder });
  return latentDecoder(autoencoder, shape, source);
}

function classIn(folder: string): unknown {
  const path = join(folder, "config.json");
  return existsSync(path) ? readJsonObject(path)["_class_name"] : undefined;
}
