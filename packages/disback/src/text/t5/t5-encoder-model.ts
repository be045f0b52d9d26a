import { type DType, Module, ops, scope, type Tensor } from "@disback/torch";
import { Dense } from "../../models/dense.js";
import { RootMeanSquareNorm } from "../../models/transformers/root-mean-square.js";
import { torchStart } from "../../models/unet-2d/start.js";
import type { WeightSource } from "../../models/weights.js";
import { maskBias } from "../attention-mask.js";
import { splitHeads } from "../clip/clip-layer.js";
import { EmbeddingTable } from "../embedding-table.js";
import { distanceBuckets } from "./distances.js";
import type { T5Options } from "./options.js";

/**
 * The encoder of T5 (Raffel et al. 2020), as SD3 and Flux use it, and of UMT5 (Chung et al. 2023), as Wan uses it:
 * `T5EncoderModel` and `UMT5EncoderModel` of transformers, with their keys.
 */
export class T5EncoderModel extends Module {
  readonly shared: EmbeddingTable;
  readonly encoder: {
    block: { layer: [SelfAttentionLayer, FeedForwardLayer] }[];
    final_layer_norm: RootMeanSquareNorm;
  };

  constructor(
    source: WeightSource,
    readonly options: T5Options,
  ) {
    super();
    this.shared = new EmbeddingTable(source, options.tokens, options.channels, 1);
    this.encoder = {
      block: Array.from({ length: options.layers }, (_, index) => ({
        layer: [
          new SelfAttentionLayer(source, options, index === 0 || options.ownDistances),
          new FeedForwardLayer(source, options),
        ],
      })),
      final_layer_norm: new RootMeanSquareNorm(options.channels, options.normalizationEps),
    };
  }

  /** dtype of its weights and of its states */
  get dtype(): DType {
    return this.shared.weight.dtype;
  }

  /**
   * @param ids int64 `[N, L]`
   * @param mask 1 for tokens to attend to `[N, L]`; default all, as in SD3 and Flux
   * @returns states `[N, L, C]`
   */
  forward(ids: Tensor, mask?: Tensor): Tensor {
    return scope(() => {
      let states = this.shared.forward(ids);
      const { distanceBuckets: buckets, longestDistance, ownDistances } = this.options;
      const index = distanceBuckets(ids.shape[1]!, buckets, longestDistance).to({ device: ids.device });
      const shared = ownDistances ? undefined : this.encoder.block[0]!.layer[0].bias(index, mask);
      for (const { layer } of this.encoder.block) {
        const before = states;
        states = scope(() => {
          const bias = shared ?? layer[0].bias(index, mask);
          return layer[1].forward(layer[0].forward(before, bias));
        });
        before.dispose();
      }
      return this.encoder.final_layer_norm.forward(states);
    });
  }
}

class SelfAttentionLayer extends Module {
  readonly SelfAttention: {
    q: Dense;
    k: Dense;
    v: Dense;
    o: Dense;
    relative_attention_bias: EmbeddingTable | null;
  };
  readonly layer_norm: RootMeanSquareNorm;
  private readonly heads: number;

  /** @param distances it has biases of its own for them */
  constructor(source: WeightSource, options: T5Options, distances: boolean) {
    super();
    const { channels, heads, headChannels } = options;
    const inner = heads * headChannels;
    const projection = () => new Dense(source, channels, inner, torchStart, { bias: false });
    this.heads = heads;
    this.SelfAttention = {
      q: projection(),
      k: projection(),
      v: projection(),
      o: new Dense(source, inner, channels, torchStart, { bias: false }),
      relative_attention_bias: distances
        ? new EmbeddingTable(source, options.distanceBuckets, heads, 1)
        : null,
    };
    this.layer_norm = new RootMeanSquareNorm(channels, options.normalizationEps);
  }

  /** What is added to the scores, by its table of distances. @param index `[L, L]` @returns `[1, heads, L, L]`, or `[N, …]` */
  bias(index: Tensor, mask: Tensor | undefined): Tensor {
    const table = this.SelfAttention.relative_attention_bias!;
    const near = table.forward(index).permute([2, 0, 1]).unsqueeze(0).contiguous();
    return mask ? near.add(maskBias(mask, near.dtype)) : near;
  }

  forward(states: Tensor, bias: Tensor): Tensor {
    return scope(() => {
      const normal = this.layer_norm.forward(states);
      const { q, k, v, o } = this.SelfAttention;
      const [query, key, value] = [q, k, v].map((projection) =>
        splitHeads(projection.forward(normal), this.heads),
      ) as [Tensor, Tensor, Tensor];
      // T5 does not scale its scores; its initial weights account for that.
      const attended = ops.scaled_dot_product_attention(query, key, value, bias, 0, false, 1);
      return added(states, o.forward(attended.transpose(1, 2).flatten(2)));
    });
  }
}

class FeedForwardLayer extends Module {
  readonly DenseReluDense: { wi?: Dense; wi_0?: Dense; wi_1?: Dense; wo: Dense };
  readonly layer_norm: RootMeanSquareNorm;

  constructor(source: WeightSource, options: T5Options) {
    super();
    const { channels, feedForwardChannels: wide, gated } = options;
    const widening = () => new Dense(source, channels, wide, torchStart, { bias: false });
    const wo = new Dense(source, wide, channels, torchStart, { bias: false });
    this.DenseReluDense = gated ? { wi_0: widening(), wi_1: widening(), wo } : { wi: widening(), wo };
    this.layer_norm = new RootMeanSquareNorm(channels, options.normalizationEps);
  }

  forward(states: Tensor): Tensor {
    return scope(() => {
      const { wi, wi_0, wi_1, wo } = this.DenseReluDense;
      const normal = this.layer_norm.forward(states);
      const active = wi
        ? ops.relu(wi.forward(normal))
        : ops.gelu(wi_0!.forward(normal), "tanh").mul(wi_1!.forward(normal));
      // This product exceeds float16's range in T5 v1.1, so it is computed in float32, as in transformers.
      if (active.dtype !== "float16") return added(states, wo.forward(active));
      return added(states, ops.linear(active.float(), wo.weight.float()));
    });
  }
}

/** The sum in the states' dtype, within its range. */
function added(states: Tensor, change: Tensor): Tensor {
  const sum = states.add(change);
  return states.dtype === "float16" ? sum.clamp(-64504, 64504).to("float16") : sum;
}
