import { Module, ops, scope, type Tensor } from "@disback/torch";
import { attention } from "../attention.js";
import { Block } from "../block.js";
import { Dense } from "../dense.js";
import type { WeightSource } from "../weights.js";
import { type Conditioning, ConditioningEmbedding } from "./conditioning.js";
import type { DitOptions } from "./options.js";

/** What a block needs of the options. */
export type DitBlockOptions = Pick<
  DitOptions,
  "labelDim" | "heads" | "attentionBias" | "normalizationEps" | "dropout"
>;

/** Which tokens attend to one another. */
export interface AttentionGroups {
  /** @param tokens `[N, T, C]` @returns groups `[G, L, C]` */
  apart(tokens: Tensor): Tensor;
  /** @param tokens `[G, L, C]` @param batch N @returns `[N, T, C]` */
  together(tokens: Tensor, batch: number): Tensor;
}

const START = { distribution: "xavier-uniform" } as const;
const ZERO = { distribution: "xavier-uniform", weightScale: 0 } as const;

/**
 * Shifts and scales normalized tokens per sample.
 * @param tokens `[N, T, C]`
 * @param shift `[N, C]`
 * @param scale `[N, C]`
 */
export function modulated(tokens: Tensor, shift: Tensor, scale: Tensor, eps: number): Tensor {
  const normalized = ops.layer_norm(tokens, [tokens.shape[2]!], null, null, eps);
  return ops.addcmul(shift.unsqueeze(1), normalized, scale.add(1).unsqueeze(1));
}

/**
 * DiT's block with adaLN-Zero (Peebles and Xie 2023, section 3.2): attention and a feed-forward layer, each shifted,
 * scaled and gated by the conditioning. Keys are those of BasicTransformerBlock in diffusers, where each block embeds
 * the conditioning itself.
 */
export class DitBlock extends Block {
  readonly norm1: AdaptiveNormalization;
  readonly attn1: TokenAttention;
  readonly ff: FeedForward;

  constructor(
    source: WeightSource,
    channels: number,
    private readonly options: DitBlockOptions,
    /** all tokens attend to all when not given */
    private readonly groups?: AttentionGroups,
  ) {
    super();
    this.norm1 = new AdaptiveNormalization(source, options.labelDim, channels);
    this.attn1 = new TokenAttention(source, channels, options);
    this.ff = new FeedForward(source, channels, options.dropout);
  }

  /** @param tokens `[N, T, C]` @returns `[N, T, C]` */
  forward(tokens: Tensor, { waves, classes }: Conditioning): Tensor {
    const body = (input: Tensor, noise: Tensor, labels: Tensor) =>
      this.pass(input, { waves: noise, classes: labels });
    return this.perform(body, tokens, waves, classes);
  }

  private pass(tokens: Tensor, conditioning: Conditioning): Tensor {
    return scope(() => {
      const [shift, scale, gate, mlpShift, mlpScale, mlpGate] = this.norm1.forward(conditioning);
      const attended = scope(() => {
        const branch = this.attend(modulated(tokens, shift, scale, normalizationEps));
        return ops.addcmul(tokens, gate.unsqueeze(1), branch);
      });
      return scope(() => {
        const branch = this.ff.forward(
          modulated(attended, mlpShift, mlpScale, this.options.normalizationEps),
        );
        return ops.addcmul(attended, mlpGate.unsqueeze(1), branch);
      });
    });
  }

  private attend(tokens: Tensor): Tensor {
    const { groups, attn1 } = this;
    if (!groups) return attn1.forward(tokens);
    return groups.together(attn1.forward(groups.apart(tokens)), tokens.shape[0]!);
  }
}

/** Added to the variance before attention and at the end; not configurable. */
export const normalizationEps = 1e-6;

/** Shift, scale and gate of both branches, `[N, C]` each, from the conditioning. */
class AdaptiveNormalization extends Module {
  readonly emb: ConditioningEmbedding;
  readonly linear: Dense;

  constructor(source: WeightSource, labelDim: number, channels: number) {
    super();
    this.emb = new ConditioningEmbedding(source, labelDim, channels);
    this.linear = new Dense(source, channels, 6 * channels, ZERO);
  }

  forward(conditioning: Conditioning): [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor] {
    const all = this.linear.forward(ops.silu(this.emb.forward(conditioning)));
    return all.chunk(6, 1) as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
  }
}

/** Self-attention among tokens (Vaswani et al. 2017, eq. 1). */
class TokenAttention extends Module {
  readonly to_q: Dense;
  readonly to_k: Dense;
  readonly to_v: Dense;
  readonly to_out: [Dense];
  private readonly heads: number;
  private readonly dropout: number;

  constructor(source: WeightSource, channels: number, options: DitBlockOptions) {
    super();
    const bias = { bias: options.attentionBias };
    this.to_q = new Dense(source, channels, channels, START, bias);
    this.to_k = new Dense(source, channels, channels, START, bias);
    this.to_v = new Dense(source, channels, channels, START, bias);
    this.to_out = [new Dense(source, channels, channels, START)];
    this.heads = options.heads;
    this.dropout = options.dropout;
  }

  forward(tokens: Tensor): Tensor {
    const [batch, count, channels] = tokens.shape as [number, number, number];
    // [N, T, C] -> [N, heads, T, C / heads]
    const split = (projection: Dense) =>
      projection
        .forward(tokens)
        .view([batch, count, this.heads, channels / this.heads])
        .transpose(1, 2);
    const attended = attention(split(this.to_q), split(this.to_k), split(this.to_v));
    const output = this.to_out[0].forward(attended.transpose(1, 2).reshape([batch, count, channels]));
    return this.training && this.dropout > 0 ? ops.dropout(output, this.dropout, true) : output;
  }
}

/** Two layers with four times the channels between them, tanh's approximation of GELU after the first. */
class FeedForward extends Module {
  readonly net: { 0: { proj: Dense }; 2: Dense };

  constructor(
    source: WeightSource,
    channels: number,
    private readonly dropout: number,
  ) {
    super();
    this.net = {
      0: { proj: new Dense(source, channels, 4 * channels, START) },
      2: new Dense(source, 4 * channels, channels, START),
    };
  }

  forward(tokens: Tensor): Tensor {
    const hidden = ops.gelu(this.net[0].proj.forward(tokens), "tanh");
    const kept = this.training && this.dropout > 0 ? ops.dropout(hidden, this.dropout, true) : hidden;
    return this.net[2].forward(kept);
  }
}
