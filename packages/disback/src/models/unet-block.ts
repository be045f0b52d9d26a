import { cat, type GroupNorm, ops, scope, type Tensor } from "@disback/torch";
import { pixelAttention } from "./attention.js";
import { Block } from "./block.js";
import { Convolution } from "./convolution.js";
import { Dense } from "./dense.js";
import { activated, groupNormalization } from "./group-normalization.js";
import { type Direction, Resampling } from "./resampling.js";
import type { WeightSource, WeightStart } from "./weights.js";

/** Options of all blocks of a network (Karras et al. 2022, table 7). */
export interface BlockStyle {
  embeddingChannels: number;
  /** the embedding scales and shifts after the second normalization (ADM), or is added before it (DDPM++, NCSN++) */
  adaptiveScale: boolean;
  /** a pointwise convolution on the skip path of every resampling block (DDPM++, NCSN++) */
  projectResampled: boolean;
  /** factor of each residual sum, sqrt(1/2) or 1 */
  skipScale: number;
  dropout: number;
  normalizationEps: number;
  resampleTaps: number[];
  /** heads of attention over this many channels; 0 means no attention */
  headsFor: (channels: number) => number;
  start: WeightStart;
  /** initialisation of the convolutions that end a residual branch */
  finalStart: WeightStart;
  /** initialisation of queries, keys and values */
  attentionStart: WeightStart;
}

/** Options of one block. */
export interface BlockShape {
  inChannels: number;
  outChannels: number;
  resample?: Direction;
  attention?: boolean;
}

/**
 * The residual block of DDPM++, NCSN++ and ADM: two convolutions, conditioned on the noise level between them, optional
 * resampling, optional self-attention. Property names are the original's keys.
 */
export class UNetBlock extends Block {
  readonly norm0: GroupNorm;
  readonly conv0: Convolution;
  readonly affine: Dense;
  readonly norm1: GroupNorm;
  readonly conv1: Convolution;
  readonly skip: Convolution | Resampling | null;
  readonly norm2: GroupNorm | null;
  readonly qkv: Convolution | null;
  readonly proj: Convolution | null;
  readonly inChannels: number;
  readonly outChannels: number;
  private readonly heads: number;
  private readonly adaptiveScale: boolean;
  private readonly skipScale: number;
  private readonly dropout: number;

  constructor(source: WeightSource, shape: BlockShape, style: BlockStyle) {
    super();
    const { inChannels, outChannels } = shape;
    const { start, finalStart, attentionStart, normalizationEps: eps } = style;
    const change = shape.resample && { direction: shape.resample, taps: style.resampleTaps };
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.heads = shape.attention ? style.headsFor(outChannels) : 0;
    this.adaptiveScale = style.adaptiveScale;
    this.skipScale = style.skipScale;
    this.dropout = style.dropout;

    this.norm0 = groupNormalization(inChannels, eps);
    this.conv0 = new Convolution(source, inChannels, outChannels, 3, start, change);
    this.affine = new Dense(
      source,
      style.embeddingChannels,
      outChannels * (style.adaptiveScale ? 2 : 1),
      start,
    );
    this.norm1 = groupNormalization(outChannels, eps);
    this.conv1 = new Convolution(source, outChannels, outChannels, 3, finalStart);
    if (outChannels !== inChannels || (change && style.projectResampled)) {
      this.skip = new Convolution(source, inChannels, outChannels, 1, start, change);
    } else {
      this.skip = change ? new Resampling(change) : null;
    }
    const attends = this.heads > 0;
    this.norm2 = attends ? groupNormalization(outChannels, eps) : null;
    this.qkv = attends ? new Convolution(source, outChannels, 3 * outChannels, 1, attentionStart) : null;
    this.proj = attends ? new Convolution(source, outChannels, outChannels, 1, finalStart) : null;
  }

  /**
   * @param x `[N, in, H, W]`
   * @param embedding `[N, E]` or `[1, E]`
   * @param joined the last channels of `x`, if they are a separate tensor
   * @returns `[N, out, H', W']`
   */
  forward(x: Tensor, embedding: Tensor, joined?: Tensor): Tensor {
    if (!joined) return this.perform((input, noise) => this.pass(input, noise!), x, embedding);
    const body = (input: Tensor, noise: Tensor, skip: Tensor) => this.pass(cat([input, skip], 1), noise);
    return this.perform(body, x, embedding, joined);
  }

  private pass(x: Tensor, embedding: Tensor): Tensor {
    const output = scope(() => {
      // In place here and below: nothing else needs a convolution's output, not even gradients.
      const branch = this.branch(x, embedding).add_(this.skip ? this.skip.forward(x) : x);
      return this.scaled(branch);
    });
    const { norm2, qkv, proj } = this;
    if (!norm2 || !qkv || !proj) return output;
    return scope(() => {
      const attended = pixelAttention(qkv.forward(norm2.forward(output)), this.heads);
      return this.scaled(proj.forward(attended).add_(output));
    });
  }

  /** Both convolutions. Scopes release intermediate tensors, which would pile up over the whole network. */
  private branch(x: Tensor, embedding: Tensor): Tensor {
    return scope(() => {
      let hidden = scope(() => this.condition(this.conv0.forward(activated(this.norm0, x)), embedding));
      if (this.training && this.dropout > 0) hidden = ops.dropout(hidden, this.dropout, true);
      return this.conv1.forward(hidden);
    });
  }

  private condition(hidden: Tensor, embedding: Tensor): Tensor {
    const adjustment = this.affine.forward(embedding).unsqueeze(2).unsqueeze(3);
    if (!this.adaptiveScale) return activated(this.norm1, hidden.add_(adjustment));
    const [scale, shift] = adjustment.chunk(2, 1) as [Tensor, Tensor];
    const modulated = ops.addcmul(shift, this.norm1.forward(hidden), scale.add(1));
    return modulated.requiresGrad ? ops.silu(modulated) : ops.silu_(modulated);
  }

  private scaled(x: Tensor): Tensor {
    return this.skipScale === 1 ? x : x.mul_(this.skipScale);
  }
}
