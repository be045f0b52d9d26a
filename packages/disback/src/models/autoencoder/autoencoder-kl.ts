import { Module, type Tensor } from "@disback/torch";
import { Convolution } from "../convolution.js";
import { torchStart } from "../unet-2d/start.js";
import type { WeightSource } from "../weights.js";
import { type AutoencoderConfig, reduction } from "./autoencoder-config.js";
import { Decoder, Encoder } from "./halves.js";
import { inSlices } from "./slices.js";

/**
 * A variational autoencoder (Rombach et al. 2022): images to latents, where diffusion is cheap, and back.
 * Keys of its state are those of AutoencoderKL in diffusers.
 */
export class AutoencoderKl extends Module {
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly quant_conv: Convolution | null;
  readonly post_quant_conv: Convolution | null;

  constructor(
    source: WeightSource,
    readonly config: AutoencoderConfig,
  ) {
    super();
    const { latentChannels } = config;
    const pointwise = (channels: number) => new Convolution(source, channels, channels, 1, torchStart);
    this.encoder = new Encoder(source, config);
    this.decoder = new Decoder(source, config);
    this.quant_conv = config.quantConvolution ? pointwise(2 * latentChannels) : null;
    this.post_quant_conv = config.postQuantConvolution ? pointwise(latentChannels) : null;
  }

  /**
   * The mean of the latents' distribution, scaled for a diffusion model. Without gradients.
   * @param images `[N, C, H, W]` in [-1, 1] @returns `[N, latentChannels, H / reduction, W / reduction]`
   */
  encode(images: Tensor): Tensor {
    return inSlices(images, images.shape[3]!, (slice) => {
      const moments = this.encoder.forward(slice);
      const mean = (this.quant_conv?.forward(moments) ?? moments).narrow(1, 0, this.config.latentChannels);
      return mean.sub(this.config.shiftFactor).mul(this.config.scalingFactor);
    });
  }

  /**
   * Images of scaled latents. Without gradients.
   * @param latents `[N, latentChannels, h, w]` @returns `[N, C, h * reduction, w * reduction]`, about in [-1, 1]
   */
  decode(latents: Tensor): Tensor {
    return inSlices(latents, latents.shape[3]! * reduction(this.config), (slice) => {
      const plain = slice.div(this.config.scalingFactor).add(this.config.shiftFactor);
      return this.decoder.forward(this.post_quant_conv?.forward(plain) ?? plain);
    });
  }
}
