import { Module, ops, type Tensor } from "@disback/torch";
import { Dense } from "../dense.js";
import { modulated, normalizationEps } from "../dit/block.js";
import { torchStart } from "../unet-2d/start.js";
import type { WeightSource } from "../weights.js";

/** Shifts, scales and gates from one vector (Peebles and Xie 2023, section 3.2): `AdaLayerNormZero` and relatives. */
export class Modulation extends Module {
  readonly linear: Dense;

  /** @param parts how many vectors it gives */
  constructor(
    source: WeightSource,
    channels: number,
    private readonly parts: number,
  ) {
    super();
    this.linear = new Dense(source, channels, parts * channels, torchStart);
  }

  /** @param vector `[N, C]` @returns `[N, C]` each */
  forward(vector: Tensor): Tensor[] {
    return this.linear.forward(ops.silu(vector)).chunk(this.parts, 1);
  }
}

/** Normalization whose scale and shift come from a vector: `AdaLayerNormContinuous` of diffusers. */
export class ModulatedNorm extends Module {
  readonly linear: Dense;

  constructor(source: WeightSource, channels: number) {
    super();
    this.linear = new Dense(source, channels, 2 * channels, torchStart);
  }

  /** @param tokens `[N, T, C]` @param vector `[N, C]` @returns `[N, T, C]` */
  forward(tokens: Tensor, vector: Tensor): Tensor {
    const [scale, shift] = this.linear.forward(ops.silu(vector)).chunk(2, 1) as [Tensor, Tensor];
    return normalized(tokens, shift, scale);
  }
}

/** Tokens of zero mean and unit variance, scaled and shifted per sample. @param shift `[N, C]` @param scale `[N, C]` */
export function normalized(tokens: Tensor, shift: Tensor, scale: Tensor): Tensor {
  return modulated(tokens, shift, scale, normalizationEps);
}

/** `tokens + gate branch`. @param gate `[N, C]` */
export function gated(tokens: Tensor, gate: Tensor, branch: Tensor): Tensor {
  return ops.addcmul(tokens, gate.unsqueeze(1), branch);
}
