import { buffer, ops, parameter, scope, type Tensor, zeros } from "@disback/torch";
import { attention } from "../attention.js";
import { Block } from "../block.js";
import { type Direction, type Resample, resample, resamplingKernel } from "../resampling.js";
import type { WeightSource } from "../weights.js";
import { PreservingLayer } from "./layers.js";
import { normalized, preservingSilu, preservingSum } from "./magnitude.js";
import type { Edm2Options } from "./options.js";

/** Options of one block. */
export interface Edm2BlockShape {
  inChannels: number;
  outChannels: number;
  embeddingChannels: number;
  half: "encoder" | "decoder";
  resample?: Direction;
  attention?: boolean;
}

/**
 * The residual block of EDM2 (Karras et al. 2024, figure 21): no biases and no group normalization; every layer keeps
 * the magnitude of its input. Property names are the original's keys.
 */
export class Edm2Block extends Block {
  readonly emb_gain: Tensor;
  readonly conv_res0: PreservingLayer;
  readonly emb_linear: PreservingLayer;
  readonly conv_res1: PreservingLayer;
  readonly conv_skip: PreservingLayer | null;
  readonly attn_qkv: PreservingLayer | null;
  readonly attn_proj: PreservingLayer | null;
  readonly inChannels: number;
  private readonly kernel: Tensor | null;
  private readonly change: Resample | null;
  private readonly heads: number;

  constructor(
    source: WeightSource,
    private readonly shape: Edm2BlockShape,
    private readonly options: Edm2Options,
  ) {
    super();
    const { inChannels, outChannels } = shape;
    const layer = (from: number, to: number, kernel: 0 | 1 | 3) =>
      new PreservingLayer(source, from, to, kernel);
    this.inChannels = inChannels;
    this.heads = shape.attention ? Math.floor(outChannels / options.channelsPerHead) : 0;
    this.change = shape.resample ? { direction: shape.resample, taps: options.resampleFilter } : null;
    this.kernel = this.change && buffer(resamplingKernel(this.change.taps), { persistent: false });
    this.emb_gain = parameter(zeros([]));
    this.conv_res0 = layer(shape.half === "encoder" ? outChannels : inChannels, outChannels, 3);
    this.emb_linear = layer(shape.embeddingChannels, outChannels, 0);
    this.conv_res1 = layer(outChannels, outChannels, 3);
    this.conv_skip = inChannels === outChannels ? null : layer(inChannels, outChannels, 1);
    this.attn_qkv = this.heads > 0 ? layer(outChannels, 3 * outChannels, 1) : null;
    this.attn_proj = this.heads > 0 ? layer(outChannels, outChannels, 1) : null;
  }

  /** @param x `[N, in, H, W]` @param embedding `[N, E]` or `[1, E]` @returns `[N, out, H', W']` */
  forward(x: Tensor, embedding: Tensor): Tensor {
    return this.perform((input, noise) => this.pass(input!, noise!), x, embedding);
  }

  private pass(x: Tensor, embedding: Tensor): Tensor {
    const { residualBalance, attentionBalance, clipActivations: limit } = this.options;
    return scope(() => {
      const resampled = this.change ? resample(x, this.change, this.kernel!) : x;
      const input = this.shape.half === "encoder" ? normalized(this.skip(resampled), [1]) : resampled;
      const branch = this.branch(input, embedding);
      const main = this.shape.half === "decoder" ? this.skip(input) : input;
      let sum = preservingSum(main, branch, residualBalance);
      if (this.heads > 0) sum = preservingSum(sum, this.attend(sum), attentionBalance);
      return limit === null ? sum : sum.clamp(-limit, limit);
    });
  }

  private skip(x: Tensor): Tensor {
    return this.conv_skip ? this.conv_skip.forward(x) : x;
  }

  private branch(x: Tensor, embedding: Tensor): Tensor {
    const { dropout } = this.options;
    return scope(() => {
      const scale = this.emb_linear.forward(embedding, this.emb_gain).add(1).unsqueeze(2).unsqueeze(3);
      let hidden = preservingSilu(this.conv_res0.forward(preservingSilu(x)).mul(scale));
      if (this.training && dropout > 0) hidden = ops.dropout(hidden, dropout, true);
      return this.conv_res1.forward(hidden);
    });
  }

  /** Attention whose queries, keys and values have unit magnitude at every pixel (appendix B.6). */
  private attend(x: Tensor): Tensor {
    return scope(() => {
      const [batch, channels, height, width] = x.shape as [number, number, number, number];
      const packed = this.attn_qkv!.forward(x).reshape([batch, this.heads, -1, 3, height * width]);
      const [query, key, value] = normalized(packed, [2]).permute([3, 0, 1, 4, 2]).contiguous().unbind(0) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      const attended = attention(query, key, value);
      return this.attn_proj!.forward(attended.transpose(2, 3).reshape([batch, channels, height, width]));
    });
  }
}
