import { cat, Module, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { frameReduction, reduction, type WanConfig } from "../autoencoder/autoencoder-config.js";
import { inSlices, scaled, unscaled } from "../autoencoder/scaling.js";
import type { WeightSource } from "../weights.js";
import { CausalConvolution } from "./causal-convolution.js";
import { ClipDecoder, ClipEncoder } from "./halves.js";
import { Past } from "./past.js";

/**
 * The autoencoder of Wan2.1 (Wan Team 2025, section 4.1): clips to latents and back. It sees no later frames; the first
 * frame has a latent of its own, the others share one with their neighbours. Keys of its state are those of
 * `AutoencoderKLWan` of diffusers, whose pieces of a clip it also follows.
 */
export class WanAutoencoder extends Module {
  readonly encoder: ClipEncoder;
  readonly quant_conv: CausalConvolution;
  readonly post_quant_conv: CausalConvolution;
  readonly decoder: ClipDecoder;

  constructor(
    source: WeightSource,
    readonly config: WanConfig,
  ) {
    super();
    const pointwise = (channels: number) => new CausalConvolution(source, channels, channels, [1, 1, 1]);
    this.encoder = new ClipEncoder(source, config);
    this.quant_conv = pointwise(2 * config.latentChannels);
    this.post_quant_conv = pointwise(config.latentChannels);
    this.decoder = new ClipDecoder(source, config);
  }

  /**
   * As `Autoencoder.encode`: the mean of the latents' distribution.
   * @param clips `[N, C, T, H, W]` in [-1, 1] @returns `[N, latentChannels, t, h, w]`
   * @throws DisbackError if the number of frames is not 1 more than a multiple of `frameReduction`
   */
  encode(clips: Tensor): Tensor {
    const [height, width] = clips.shape.slice(3) as [number, number];
    return inSlices(clips, frameReduction(this.config) * height * width, (slice) =>
      scaled(this.moments(slice).mean, this.config),
    );
  }

  /** The latents' distribution, before scaling, with gradients: as `AutoencoderKl.moments`. @throws as `encode` */
  moments(clips: Tensor): { mean: Tensor; logVariance: Tensor } {
    const frames = clips.shape[2]!;
    const piece = frameReduction(this.config);
    if ((frames - 1) % piece !== 0)
      throw new DisbackError(
        `clips: ${frames} frames must be 1 more than a multiple of ${piece}, as this autoencoder takes them`,
      );
    const moments = this.quant_conv.convolve(
      inPieces(clips, piece, (frames, past) => this.encoder.forward(frames, past)),
    );
    const half = (start: number) => moments.narrow(1, start, this.config.latentChannels);
    return { mean: half(0), logVariance: half(this.config.latentChannels).clamp(-30, 20) };
  }

  /** As `Autoencoder.decode`. @param latents `[N, latentChannels, t, h, w]` @returns `[N, C, T, H, W]` in [-1, 1] */
  decode(latents: Tensor): Tensor {
    const [height, width] = latents.shape.slice(3) as [number, number];
    const pixels = frameReduction(this.config) * height * width * reduction(this.config) ** 2;
    return inSlices(latents, pixels, (slice) => this.decoded(slice));
  }

  /** As `decode`, all samples at once and with gradients. */
  decoded(latents: Tensor): Tensor {
    const plain = this.post_quant_conv.convolve(unscaled(latents, this.config));
    return inPieces(plain, 1, (frames, past) => this.decoder.forward(frames, past)).clamp(-1, 1);
  }
}

/** A clip's first frame, then piece by piece. @param x `[N, C, T, H, W]` @returns the results one after the other */
function inPieces(x: Tensor, piece: number, work: (frames: Tensor, past: Past) => Tensor): Tensor {
  const past = new Past();
  const sizes = [1, ...Array<number>((x.shape[2]! - 1) / piece).fill(piece)];
  const pieces = sizes.map((size, index) => {
    const start = index === 0 ? 0 : 1 + (index - 1) * piece;
    return scope(() => work(x.narrow(2, start, size), past));
  });
  past.dispose();
  return cat(pieces, 2);
}
