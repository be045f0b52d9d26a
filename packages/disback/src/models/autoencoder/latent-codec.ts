import { join } from "node:path";
import { DisbackError } from "../../errors.js";
import type { LatentDecoder, SampleCodec } from "../sample-codec.js";
import type { Autoencoder } from "./autoencoder.js";
import { reduction } from "./autoencoder-config.js";
import { saveAutoencoder } from "./storage.js";

/** Subfolder of a model folder that holds its autoencoder. */
export const autoencoderFolder = "autoencoder";

/** The codec of latent models: decodes latents to images. @param shape, place as for `latentDecoder` @throws as that */
export function latentCodec(autoencoder: Autoencoder, shape: readonly number[], place: string): SampleCodec {
  const decoder = latentDecoder(autoencoder, shape, place);
  return {
    shownShape: decoder.shownShape,
    encode: (shown) => autoencoder.encode(shown),
    decode: (samples) => autoencoder.decode(samples),
    decoder,
    save: (folder) => saveAutoencoder(join(folder, autoencoderFolder), autoencoder),
  };
}

/**
 * An autoencoder's decoder. @param shape shape of one latent, `[C, h, w]` @param place name for messages
 * @throws DisbackError if the autoencoder's latents have a different number of channels
 */
export function latentDecoder(
  autoencoder: Autoencoder,
  shape: readonly number[],
  place: string,
): LatentDecoder {
  const { latentChannels, imageChannels } = autoencoder.config;
  const factor = reduction(autoencoder.config);
  const [channels, height, width] = shape;
  if (channels !== latentChannels || height === undefined || width === undefined) {
    throw new DisbackError(
      `${place}: the network's samples are [${shape.join(", ")}], the autoencoder's latents have ${latentChannels} channels`,
    );
  }
  return { module: autoencoder, shownShape: [imageChannels, height * factor, width * factor] };
}
