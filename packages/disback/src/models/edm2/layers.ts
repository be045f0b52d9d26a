import { buffer, Module, noGrad, ops, parameter, scope, type Tensor } from "@disback/torch";
import { phases } from "../embeddings.js";
import type { WeightSource } from "../weights.js";
import { normalized } from "./magnitude.js";

/** A convolution or a linear layer without bias that keeps its input's magnitude (Karras et al. 2024, eq. 47). */
export class PreservingLayer extends Module {
  readonly weight: Tensor;

  /** @param kernel height and width of the kernel; 0 for a linear layer */
  constructor(
    source: WeightSource,
    readonly inChannels: number,
    readonly outChannels: number,
    private readonly kernel: 0 | 1 | 3,
  ) {
    super();
    const extent = kernel === 0 ? [] : [kernel, kernel];
    this.weight = parameter(source.normal([outChannels, inChannels, ...extent]));
  }

  /** @param x `[N, in]` or `[N, in, H, W]` @param gain a number, or a learned one */
  forward(x: Tensor, gain?: Tensor): Tensor {
    return scope(() => {
      const { weight, kernel } = this;
      const fanIn = weight.numel / this.outChannels;
      const unit = normalized(weight.to("float32"));
      const factor = 1 / Math.sqrt(fanIn);
      const scaled = gain ? unit.mul(gain.mul(factor)) : unit.mul(factor);
      const applied = scaled.dtype === x.dtype ? scaled : scaled.to(x.dtype);
      if (kernel === 0) return ops.linear(x, applied);
      const padding = Math.floor(kernel / 2);
      return ops.conv2d(x, applied, null, [1, 1], [padding, padding]);
    });
  }

  /** Gives every output's weights unit magnitude, without changing the layer's function (eq. 66). */
  normalizeWeight(): void {
    noGrad(() => scope(() => this.weight.copy_(normalized(this.weight.to("float32")))));
  }
}

/** Cosines of the noise level at random, fixed frequencies and phases, of unit magnitude (eq. 75). */
export class PreservingFourier extends Module {
  readonly freqs: Tensor;
  readonly phases: Tensor;

  constructor(source: WeightSource, channels: number) {
    super();
    this.freqs = buffer(source.normal([channels]).mul_(2 * Math.PI));
    // uniform() is in [-1, 1); a phase in [0, 2 pi).
    this.phases = buffer(source.uniform([channels]).add_(1).mul_(Math.PI));
  }

  /** @param noise `[N]` @returns `[N, channels]` in float32 */
  forward(noise: Tensor): Tensor {
    return scope(() =>
      phases(noise.to("float32"), this.freqs.to("float32"))
        .add(this.phases.to("float32"))
        .cos()
        .mul(Math.SQRT2),
    );
  }
}
