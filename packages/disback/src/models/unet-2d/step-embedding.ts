import { buffer, Module, ops, type Tensor } from "@disback/torch";
import { Dense } from "../dense.js";
import { type NoiseEmbedding, phases, waves } from "../embeddings.js";
import type { WeightSource } from "../weights.js";
import { torchStart } from "./start.js";

/** Sines and cosines of ln t at random, fixed frequencies: `GaussianFourierProjection` of diffusers. */
export class LogFourierProjection extends Module implements NoiseEmbedding {
  readonly weight: Tensor;

  /** @param scale standard deviation of the frequencies, in cycles */
  constructor(source: WeightSource, frequencies: number, scale = 16) {
    super();
    this.weight = buffer(source.normal([frequencies]).mul_(scale));
  }

  /** @param noise steps `[N]`, > 0 @returns `[N, 2 frequencies]` */
  forward(noise: Tensor): Tensor {
    return waves(phases(noise.log(), this.weight).mul(2 * Math.PI), "sine-first");
  }
}

/** Two layers on top of waves, or of a pooled text: `TimestepEmbedding` and `PixArtAlphaTextProjection` of diffusers. */
export class StepEmbedding extends Module {
  readonly linear_1: Dense;
  readonly linear_2: Dense;

  constructor(
    source: WeightSource,
    inFeatures: number,
    channels: number,
    private readonly activation: (x: Tensor) => Tensor = ops.silu,
  ) {
    super();
    this.linear_1 = new Dense(source, inFeatures, channels, torchStart);
    this.linear_2 = new Dense(source, channels, channels, torchStart);
  }

  /** @param input `[..., in]` @returns `[..., channels]` */
  forward(input: Tensor): Tensor {
    return this.linear_2.forward(this.activation(this.linear_1.forward(input)));
  }
}
