import { GroupNorm, ops, scope, type Tensor } from "@disback/torch";
import { Block } from "../block.js";
import { Convolution } from "../convolution.js";
import { Dense } from "../dense.js";
import type { Direction } from "../resampling.js";
import type { WeightSource } from "../weights.js";
import { type ActivationName, activatedNormal, activateTemporary } from "./activation.js";
import { torchStart } from "./start.js";

/** Options of all residual blocks of a network. */
export interface ResnetStyle {
  /** width of the step embedding; null for networks without steps, such as a VAE */
  embeddingChannels: number | null;
  /** the embedding scales and shifts after the second normalization; otherwise it is added before it */
  scaleShift: boolean;
  groups: number;
  eps: number;
  activation: ActivationName;
  dropout: number;
}

/** Options of one block. */
export interface ResnetShape {
  inChannels: number;
  outChannels: number;
  /** doubles or halves the resolution on both paths, by copies or averages of pixels */
  resample?: Direction;
  /** divisor of the sum, default 1 */
  outputScale?: number;
}

/** Two convolutions and a skip path: `ResnetBlock2D` of diffusers. Property names are its keys. */
export class ResnetBlock extends Block {
  readonly norm1: GroupNorm;
  readonly conv1: Convolution;
  readonly time_emb_proj: Dense | null;
  readonly norm2: GroupNorm;
  readonly conv2: Convolution;
  readonly conv_shortcut: Convolution | null;
  private readonly style: ResnetStyle;
  private readonly resample: Direction | undefined;
  private readonly outputScale: number;

  constructor(source: WeightSource, shape: ResnetShape, style: ResnetStyle) {
    super();
    const { inChannels, outChannels } = shape;
    const { embeddingChannels, groups, eps } = style;
    const adjustments = style.scaleShift ? 2 * outChannels : outChannels;
    this.style = style;
    this.resample = shape.resample;
    this.outputScale = shape.outputScale ?? 1;
    this.norm1 = new GroupNorm(groups, inChannels, { eps });
    this.conv1 = new Convolution(source, inChannels, outChannels, 3, torchStart);
    this.time_emb_proj =
      embeddingChannels === null ? null : new Dense(source, embeddingChannels, adjustments, torchStart);
    this.norm2 = new GroupNorm(groups, outChannels, { eps });
    this.conv2 = new Convolution(source, outChannels, outChannels, 3, torchStart);
    this.conv_shortcut =
      inChannels === outChannels ? null : new Convolution(source, inChannels, outChannels, 1, torchStart);
  }

  /**
   * @param x `[N, in, H, W]`
   * @param embedding embedding of the step, after the activation, `[N, E]` or `[1, E]`
   * @returns `[N, out, H', W']`
   */
  forward(x: Tensor, embedding?: Tensor): Tensor {
    return this.perform((input, noise) => this.pass(input, noise), x, ...(embedding ? [embedding] : []));
  }

  private pass(x: Tensor, embedding?: Tensor): Tensor {
    return scope(() => {
      const branch = this.branch(x, embedding);
      const past = this.resampled(x);
      // In place here and below: nothing else needs a convolution's output, not even gradients.
      const sum = branch.add_(this.conv_shortcut ? this.conv_shortcut.forward(past) : past);
      return this.outputScale === 1 ? sum : sum.div_(this.outputScale);
    });
  }

  /** Scopes release intermediate tensors, which would pile up over the whole network. */
  private branch(x: Tensor, embedding: Tensor | undefined): Tensor {
    const { activation, dropout } = this.style;
    return scope(() => {
      let hidden = scope(() => {
        const input = this.resampled(activatedNormal(this.norm1, x, activation));
        return this.condition(this.conv1.forward(input), embedding);
      });
      if (this.training && dropout > 0) hidden = ops.dropout(hidden, dropout, true);
      return this.conv2.forward(hidden);
    });
  }

  private condition(hidden: Tensor, embedding: Tensor | undefined): Tensor {
    const { activation, scaleShift } = this.style;
    if (!this.time_emb_proj || !embedding) return activatedNormal(this.norm2, hidden, activation);
    const adjustment = this.time_emb_proj.forward(embedding).unsqueeze(2).unsqueeze(3);
    if (!scaleShift) return activatedNormal(this.norm2, hidden.add_(adjustment), activation);
    const [scale, shift] = adjustment.chunk(2, 1) as [Tensor, Tensor];
    return activateTemporary(ops.addcmul(shift, this.norm2.forward(hidden), scale.add(1)), activation);
  }

  private resampled(x: Tensor): Tensor {
    if (!this.resample) return x;
    const [height, width] = x.shape.slice(2) as [number, number];
    if (this.resample === "down") return ops.avg_pool2d(x, [2, 2]);
    return ops.upsample_nearest2d(x, [2 * height, 2 * width]);
  }
}
