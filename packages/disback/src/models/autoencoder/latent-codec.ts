import { join } from "node:path";
import { DisbackError } from "../../errors.js";
import type { LatentDecoder, SampleCodec } from "../sample-codec.js";
import type { Autoencoder } from "./autoencoder.js";
import { frameReduction, reduction } from "./autoencoder-config.js";
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
 * An autoencoder's decoder. @param shape shape of one latent, `[C, h, w]` or `[C, t, h, w]` @param place name for messages
 * @throws DisbackError if the autoencoder's latents have a different number of channels
 */
export function latentDecoder(
  autoencoder: Autoencoder,
  shape: readonly number[],
  place: string,
): LatentDecoder {
  const { config } = autoencoder;
  const { latentChannels, imageChannels } = config;
  const factor = reduction(config);
  const frames = config.autoencoder === "wan" ? shape.slice(1, 2) : [];
  const sides = shape.slice(1 + frames.length);
  if (shape[0] !== latentChannels || sides.length !== 2) {
    throw new DisbackError(
      `${place}: the network's samples are [${shape.join(", ")}], the autoencoder's latents ${config.autoencoder === "wan" ? "are clips and " : ""}have ${latentChannels} channels`,
    );
  }
  const shownFrames =
    config.autoencoder === "wan" ? frames.map((count) => (count - 1) * frameReduction(config) + 1) : [];
  return {
    module: autoencoder,
    shownShape: [imageChannels, ...shownFrames, ...sides.map((side) => side * factor)],
  };
}
