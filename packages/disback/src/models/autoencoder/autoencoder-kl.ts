import { Module, type Tensor } from "@disback/torch";
import { Convolution } from "../convolution.js";
import { torchStart } from "../unet-2d/start.js";
import type { WeightSource } from "../weights.js";
import { type KlConfig, reduction } from "./autoencoder-config.js";
import { Decoder, Encoder } from "./halves.js";
import { inSlices, intoRange, outOfRange, scaled, unscaled } from "./scaling.js";

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
    readonly config: KlConfig,
  ) {
    super();
    const { latentChannels } = config;
    const pointwise = (channels: number) => new Convolution(source, channels, channels, 1, torchStart);
    this.encoder = new Encoder(source, config, 2 * latentChannels);
    this.decoder = new Decoder(source, config, latentChannels);
    this.quant_conv = config.quantConvolution ? pointwise(2 * latentChannels) : null;
    this.post_quant_conv = config.postQuantConvolution ? pointwise(latentChannels) : null;
  }

  /** As `Autoencoder.encode`: the mean of the latents' distribution. */
  encode(images: Tensor): Tensor {
    return inSlices(images, images.shape[3]!, (slice) => {
      const moments = this.encoder.forward(intoRange(slice, this.config));
      const mean = (this.quant_conv?.forward(moments) ?? moments).narrow(1, 0, this.config.latentChannels);
      return scaled(mean, this.config);
    });
  }

  /** As `Autoencoder.decode`. */
  decode(latents: Tensor): Tensor {
    return inSlices(latents, latents.shape[3]! * reduction(this.config), (slice) => this.decoded(slice));
  }

  decoded(latents: Tensor): Tensor {
    const plain = unscaled(latents, this.config);
    return outOfRange(this.decoder.forward(this.post_quant_conv?.forward(plain) ?? plain), this.config);
  }
}
