import { type DType, LayerNorm, Module, ops, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { Dense } from "../../models/dense.js";
import { torchStart } from "../../models/unet-2d/start.js";
import type { WeightSource } from "../../models/weights.js";
import { allTokens, maskBias } from "../attention-mask.js";
import { splitHeads } from "../clip/clip-layer.js";
import { EmbeddingTable } from "../embedding-table.js";
import type { BertOptions } from "./options.js";

/** BERT (Devlin et al. 2019), the network of sentence encoders such as MiniLM: `BertModel` of transformers. */
export class BertModel extends Module {
  readonly embeddings: {
    word_embeddings: EmbeddingTable;
    position_embeddings: EmbeddingTable;
    token_type_embeddings: EmbeddingTable;
    LayerNorm: LayerNorm;
  };
  readonly encoder: { layer: BertLayer[] };
  readonly pooler: { dense: Dense } | null;

  constructor(
    source: WeightSource,
    readonly options: BertOptions,
  ) {
    super();
    const { channels } = options;
    this.embeddings = {
      word_embeddings: new EmbeddingTable(source, options.tokens, channels),
      position_embeddings: new EmbeddingTable(source, options.places, channels),
      token_type_embeddings: new EmbeddingTable(source, options.kinds, channels),
      LayerNorm: new LayerNorm(channels, { eps: options.normalizationEps }),
    };
    this.encoder = { layer: Array.from({ length: options.layers }, () => new BertLayer(source, options)) };
    this.pooler = options.pooler ? { dense: new Dense(source, channels, channels, torchStart) } : null;
  }

  /** dtype of its weights and of its states */
  get dtype(): DType {
    return this.embeddings.word_embeddings.weight.dtype;
  }

  /**
   * @param ids int64 `[N, L]`
   * @param mask 1 for tokens, 0 for padding `[N, L]`; default all tokens
   * @returns states `[N, L, C]`
   * @throws DisbackError if the text is too long
   */
  forward(ids: Tensor, mask?: Tensor): Tensor {
    const length = ids.shape[1]!;
    if (length > this.options.places) {
      throw new DisbackError(`text: has ${length} tokens, the encoder takes at most ${this.options.places}`);
    }
    return scope(() => {
      const {
        word_embeddings,
        position_embeddings,
        token_type_embeddings,
        LayerNorm: norm,
      } = this.embeddings;
      const placed = word_embeddings.forward(ids).add(position_embeddings.first(length));
      let states = norm.forward(placed.add(token_type_embeddings.first(1)));
      const bias = maskBias(mask ?? allTokens(ids), states.dtype);
      for (const layer of this.encoder.layer) states = layer.forward(states, bias);
      return states;
    });
  }

  /**
   * A text as one vector of length 1, as in sentence-transformers (Reimers and Gurevych 2019): the mean of the
   * states of its tokens. Parameters as for `forward`.
   * @returns `[N, C]`
   */
  sentence(ids: Tensor, mask: Tensor = allTokens(ids)): Tensor {
    return scope(() => {
      const states = this.forward(ids, mask);
      const weights = mask.to(states.dtype).unsqueeze(2);
      const mean = states
        .mul(weights)
        .sum(1)
        .div(ops.clamp_min(weights.sum(1), 1e-9));
      return mean.div(ops.clamp_min(mean.square().sum(1, true).sqrt(), 1e-12));
    });
  }
}

/** Attention and a feed-forward layer, normalized after. */
class BertLayer extends Module {
  readonly attention: { self: { query: Dense; key: Dense; value: Dense }; output: Output };
  readonly intermediate: { dense: Dense };
  readonly output: Output;
  private readonly heads: number;

  constructor(source: WeightSource, options: BertOptions) {
    super();
    const { channels, feedForwardChannels } = options;
    const projection = () => new Dense(source, channels, channels, torchStart);
    this.heads = options.heads;
    this.attention = {
      self: { query: projection(), key: projection(), value: projection() },
      output: new Output(source, channels, options),
    };
    this.intermediate = { dense: new Dense(source, channels, feedForwardChannels, torchStart) };
    this.output = new Output(source, feedForwardChannels, options);
  }

  forward(states: Tensor, bias: Tensor): Tensor {
    return scope(() => {
      const { query, key, value } = this.attention.self;
      const [q, k, v] = [query, key, value].map((projection) =>
        splitHeads(projection.forward(states), this.heads),
      ) as [Tensor, Tensor, Tensor];
      const attended = ops.scaled_dot_product_attention(q, k, v, bias).transpose(1, 2).flatten(2);
      const hidden = this.attention.output.forward(attended, states);
      return this.output.forward(ops.gelu(this.intermediate.dense.forward(hidden)), hidden);
    });
  }
}

/** A linear layer whose output is added to the states, then normalized. */
class Output extends Module {
  readonly dense: Dense;
  readonly LayerNorm: LayerNorm;

  constructor(source: WeightSource, inChannels: number, { channels, normalizationEps: eps }: BertOptions) {
    super();
    this.dense = new Dense(source, inChannels, channels, torchStart);
    this.LayerNorm = new LayerNorm(channels, { eps });
  }

  forward(x: Tensor, states: Tensor): Tensor {
    return this.LayerNorm.forward(this.dense.forward(x).add(states));
  }
}
