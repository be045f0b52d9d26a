import { join } from "node:path";
import { DisbackError } from "../../errors.js";
import type { SampleCodec } from "../sample-codec.js";
import type { Autoencoder } from "./autoencoder.js";
import { reduction } from "./autoencoder-config.js";
import { saveAutoencoder } from "./storage.js";

/** Subfolder of a model folder that holds its autoencoder. */
export const autoencoderFolder = "autoencoder";

/**
 * The codec of latent models: decodes latents to images. @param shape shape of one latent, `[C, h, w]`
 * @param place name for messages
 * @throws DisbackError if the autoencoder's latents have a different number of channels
 */
export function latentCodec(autoencoder: Autoencoder, shape: readonly number[], place: string): SampleCodec {
  const { latentChannels, imageChannels } = autoencoder.config;
  const [channels, height, width] = shape;
  if (channels !== latentChannels || height === undefined || width === undefined) {
    throw new DisbackError(
      `${place}: the network's samples are [${shape.join(", ")}], the autoencoder's latents have ${latentChannels} channels`,
    );
  }
  const factor = reduction(autoencoder.config);
  return {
    shownShape: [imageChannels, height * factor, width * factor],
    encode: (shown) => autoencoder.encode(shown),
    autoencoder,
    decode: (samples) => autoencoder.decode(samples),
    save: (folder) => saveAutoencoder(join(folder, autoencoderFolder), autoencoder),
  };
}
