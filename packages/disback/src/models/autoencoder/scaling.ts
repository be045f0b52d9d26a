import { type Tensor, tensor } from "@disback/torch";
import type { AutoencoderConfig } from "./autoencoder-config.js";

type Factors = Pick<AutoencoderConfig, "scalingFactor" | "shiftFactor">;

/** Latents as a diffusion model sees them: `(z - shiftFactor) * scalingFactor`. @param z `[N, C, h, w]` */
export function scaled(z: Tensor, { scalingFactor, shiftFactor }: Factors): Tensor {
  return z.sub(perChannel(shiftFactor, z)).mul(perChannel(scalingFactor, z));
}

/** The inverse of `scaled`. @param latents `[N, C, h, w]` */
export function unscaled(latents: Tensor, { scalingFactor, shiftFactor }: Factors): Tensor {
  return latents.div(perChannel(scalingFactor, latents)).add(perChannel(shiftFactor, latents));
}

/** Images in [-1, 1] as the autoencoder takes them. */
export function intoRange(images: Tensor, { imageRange }: Pick<AutoencoderConfig, "imageRange">): Tensor {
  return imageRange === "unit" ? images.add(1).div(2) : images;
}

/** The inverse of `intoRange`. */
export function outOfRange(images: Tensor, { imageRange }: Pick<AutoencoderConfig, "imageRange">): Tensor {
  return imageRange === "unit" ? images.mul(2).sub(1) : images;
}

function perChannel(factor: number | number[], { dtype, device }: Tensor): number | Tensor {
  if (typeof factor === "number") return factor;
  return tensor(factor, { dtype, device }).reshape([1, -1, 1, 1]);
}
