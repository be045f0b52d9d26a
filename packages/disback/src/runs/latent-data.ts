import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  type Device,
  type Module,
  noGrad,
  ops,
  readSafetensors,
  scope,
  type Tensor,
  writeSafetensors,
} from "@disback/torch";
import { EncodedFiles } from "../data/encoded-files.js";
import { EncodedSamples } from "../data/encoded-samples.js";
import type { SampleSource } from "../data/samples.js";
import type { SampleCodec } from "../models/sample-codec.js";
import { fingerprint } from "../training/hashing.js";
import { cacheFolder } from "./cache-folder.js";

/** Weights of an autoencoder that only encoding needs. */
const ENCODING = /^(encoder|quant_conv)\./;

/**
 * A data set as a latent model sees it. Latents are kept on disk, see `EncodedFiles`.
 * @param shape of a latent @param name of the encoder, for messages
 */
export function asLatents(
  images: SampleSource,
  {
    codec,
    shape,
    name,
    device,
  }: { codec: SampleCodec; shape: readonly number[]; name: string; device: Device },
): EncodedSamples {
  const encode = (shown: Tensor) => codec.encode(shown.to({ device }));
  const autoencoder = codec.decoder?.module;
  const files = autoencoder && new EncodedFiles(cacheFolder("latents"), fingerprint(autoencoder));
  return new EncodedSamples(images, { name, sampleShape: shape, encode }, files ? { files } : {});
}

/**
 * Once the latents are known, nothing needs the encoder but a model that is saved with it: its weights go to a mapped file,
 * which takes no memory until then.
 */
export function putEncoderAway(autoencoder: Module): void {
  const weights = [...autoencoder.stateDict()].filter(([key]) => ENCODING.test(key));
  if (weights.length === 0) return;
  const file = join(cacheFolder("latents"), "encoders", `${fingerprint(autoencoder)}.safetensors`);
  noGrad(() =>
    scope(() => {
      if (!existsSync(file)) {
        mkdirSync(dirname(file), { recursive: true });
        writeSafetensors(file, new Map(weights));
      }
      const { tensors } = readSafetensors(file);
      for (const [key, weight] of weights) ops.set_data(weight, tensors.get(key)!);
    }),
  );
}
