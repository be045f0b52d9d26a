import { cat, noGrad, scope, type Tensor, tensor } from "@disback/torch";
import type { AutoencoderConfig, KlConfig } from "./autoencoder-config.js";

type Factors = Pick<AutoencoderConfig, "scalingFactor" | "shiftFactor">;

/** Latents as a diffusion model sees them: `(z - shiftFactor) * scalingFactor`. @param z `[N, C, ...]` */
export function scaled(z: Tensor, { scalingFactor, shiftFactor }: Factors): Tensor {
  return z.sub(perChannel(shiftFactor, z)).mul(perChannel(scalingFactor, z));
}

/** The inverse of `scaled`. @param latents `[N, C, ...]` */
export function unscaled(latents: Tensor, { scalingFactor, shiftFactor }: Factors): Tensor {
  return latents.div(perChannel(scalingFactor, latents)).add(perChannel(shiftFactor, latents));
}

/** Converts images in [-1, 1] to the autoencoder's range. */
export function intoRange(images: Tensor, { imageRange }: Pick<KlConfig, "imageRange">): Tensor {
  return imageRange === "unit" ? images.add(1).div(2) : images;
}

/** The inverse of `intoRange`. */
export function outOfRange(images: Tensor, { imageRange }: Pick<KlConfig, "imageRange">): Tensor {
  return imageRange === "unit" ? images.mul(2).sub(1) : images;
}

function perChannel(factor: number | number[], { dtype, device, ndim }: Tensor): number | Tensor {
  if (typeof factor === "number") return factor;
  return tensor(factor, { dtype, device }).reshape([1, -1, ...Array<number>(ndim - 2).fill(1)]);
}

/** Largest number of pixels processed at once. At full resolution each pixel takes hundreds of numbers. */
const mostPixels = 2 ** 18;

/**
 * Processes a few samples at a time, without gradients.
 * @param pixels that each sample is worked on with at once
 */
export function inSlices(samples: Tensor, pixels: number, work: (slice: Tensor) => Tensor): Tensor {
  const size = Math.max(1, Math.floor(mostPixels / pixels));
  return noGrad(() => scope(() => cat(samples.split(size).map((slice) => scope(() => work(slice))))));
}
