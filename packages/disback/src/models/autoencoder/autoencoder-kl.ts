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
    return inSlices(images, images.shape[3]! ** 2, (slice) => scaled(this.moments(slice).mean, this.config));
  }

  /**
   * The latents' distribution, before scaling, all at once and with gradients.
   * @param images `[N, C, H, W]` in [-1, 1]
   * @returns mean and log-variance `[N, latentChannels, h, w]`, the latter within [-30, 20] as in diffusers
   */
  moments(images: Tensor): { mean: Tensor; logVariance: Tensor } {
    return momentsOf(this, images);
  }

  /** As `Autoencoder.decode`. */
  decode(latents: Tensor): Tensor {
    return inSlices(latents, (latents.shape[3]! * reduction(this.config)) ** 2, (slice) =>
      this.decoded(slice),
    );
  }

  /** As `decode`, all at once and with gradients. */
  decoded(latents: Tensor): Tensor {
    return decodedBy(this, latents);
  }
}

/** As `AutoencoderKl.moments`, by an encoder alone. */
export function momentsOf(
  { encoder, quant_conv, config }: Pick<AutoencoderKl, "encoder" | "quant_conv" | "config">,
  images: Tensor,
): { mean: Tensor; logVariance: Tensor } {
  const hidden = encoder.forward(intoRange(images, config));
  const moments = quant_conv?.forward(hidden) ?? hidden;
  const half = (start: number) => moments.narrow(1, start, config.latentChannels);
  return { mean: half(0), logVariance: half(config.latentChannels).clamp(-30, 20) };
}

/** Images of latents before scaling, all at once and with gradients, by a decoder alone. */
export function decodedBy(
  { decoder, post_quant_conv, config }: Pick<AutoencoderKl, "decoder" | "post_quant_conv" | "config">,
  latents: Tensor,
): Tensor {
  const plain = unscaled(latents, config);
  return outOfRange(decoder.forward(post_quant_conv?.forward(plain) ?? plain), config);
}
