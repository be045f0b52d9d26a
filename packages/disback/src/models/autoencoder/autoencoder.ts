import type { Module, Tensor } from "@disback/torch";
import { TinyAutoencoder } from "../autoencoder-tiny/autoencoder-tiny.js";
import { WanAutoencoder } from "../autoencoder-wan/autoencoder-wan.js";
import type { WeightSource } from "../weights.js";
import type { AutoencoderConfig } from "./autoencoder-config.js";
import { AutoencoderKl } from "./autoencoder-kl.js";
import { AutoencoderVq } from "./autoencoder-vq.js";

/**
 * Images to latents, where diffusion is cheap, and back. For clips ("wan") frames stand before height and width:
 * `[N, C, T, H, W]`, `[N, latentChannels, (T - 1) / frameReduction + 1, H / reduction, W / reduction]`.
 */
export interface Autoencoder extends Module {
  readonly config: AutoencoderConfig;
  /**
   * Latents, scaled for a diffusion model. Without gradients.
   * @param images `[N, C, H, W]` in [-1, 1] @returns `[N, latentChannels, H / reduction, W / reduction]`
   */
  encode(images: Tensor): Tensor;
  /**
   * Scaled latents to images. Without gradients.
   * @param latents `[N, latentChannels, h, w]` @returns `[N, C, h * reduction, w * reduction]`, about in [-1, 1]
   */
  decode(latents: Tensor): Tensor;
  /** As `decode`, all samples at once and with gradients. */
  decoded(latents: Tensor): Tensor;
}

/** An autoencoder whose weights come from `source`. */
export function buildAutoencoder(config: AutoencoderConfig, source: WeightSource): Autoencoder {
  if (config.autoencoder === "tiny") return new TinyAutoencoder(source, config);
  if (config.autoencoder === "wan") return new WanAutoencoder(source, config);
  return config.autoencoder === "kl" ? new AutoencoderKl(source, config) : new AutoencoderVq(source, config);
}
