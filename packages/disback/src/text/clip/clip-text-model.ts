import { type DType, LayerNorm, Module, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { Dense } from "../../models/dense.js";
import { torchStart } from "../../models/unet-2d/start.js";
import type { WeightSource } from "../../models/weights.js";
import { causalBias, maskBias } from "../attention-mask.js";
import { EmbeddingTable } from "../embedding-table.js";
import { ClipLayer } from "./clip-layer.js";
import type { ClipTextOptions } from "./options.js";

/** The outputs of CLIP's text encoder. */
export interface ClipTextOutput {
  /** the embeddings, then the states after each layer, `[N, L, C]`, before the final normalization */
  states: Tensor[];
  /** the last states, normalized `[N, L, C]` */
  last: Tensor;
  /** the last state at the end of the text `[N, C]` */
  pooled: Tensor;
  /** `pooled`, projected `[N, P]`, if the model has a projection */
  projected: Tensor | undefined;
}

/**
 * The text encoder of CLIP (Radford et al. 2021), as Stable Diffusion uses it: `CLIPTextModel` and
 * `CLIPTextModelWithProjection` of transformers. Keys are those in its files; they begin with "text_model.".
 */
export class ClipTextModel extends Module {
  readonly text_model: {
    embeddings: { token_embedding: EmbeddingTable; position_embedding: EmbeddingTable };
    encoder: { layers: ClipLayer[] };
    final_layer_norm: LayerNorm;
  };
  readonly text_projection: Dense | null;

  constructor(
    source: WeightSource,
    readonly options: ClipTextOptions,
  ) {
    super();
    const { channels, layers, projectionChannels } = options;
    this.text_model = {
      embeddings: {
        token_embedding: new EmbeddingTable(source, options.tokens, channels),
        position_embedding: new EmbeddingTable(source, options.places, channels),
      },
      encoder: { layers: Array.from({ length: layers }, () => new ClipLayer(source, options)) },
      final_layer_norm: new LayerNorm(channels, { eps: options.normalizationEps }),
    };
    this.text_projection =
      projectionChannels === null
        ? null
        : new Dense(source, channels, projectionChannels, torchStart, { bias: false });
  }

  /** dtype of its weights and of its states */
  get dtype(): DType {
    return this.text_model.embeddings.token_embedding.weight.dtype;
  }

  /**
   * @param ids int64 `[N, L]`
   * @param mask 1 for tokens to attend to `[N, L]`; default all, as in Stable Diffusion
   * @throws DisbackError if the text is too long
   */
  forward(ids: Tensor, mask?: Tensor): ClipTextOutput {
    const { embeddings, encoder, final_layer_norm: norm } = this.text_model;
    const length = ids.shape[1]!;
    if (length > this.options.places) {
      throw new DisbackError(`text: has ${length} tokens, the encoder takes at most ${this.options.places}`);
    }
    return scope(() => {
      const start = embeddings.token_embedding.forward(ids).add(embeddings.position_embedding.first(length));
      const causal = causalBias(start);
      const bias = mask ? causal.add(maskBias(mask, start.dtype)) : causal;
      const states = [start];
      for (const layer of encoder.layers) states.push(layer.forward(states.at(-1)!, bias));
      const last = norm.forward(states.at(-1)!);
      const pooled = this.atEnd(last, ids);
      return { states, last, pooled, projected: this.text_projection?.forward(pooled) };
    });
  }

  private atEnd(states: Tensor, ids: Tensor): Tensor {
    const { endToken } = this.options;
    const place = endToken === null ? ids.argmax(1) : ids.eq(endToken).to("int64").argmax(1);
    const index = place.reshape([-1, 1, 1]).expand([-1, 1, states.shape[2]!]);
    return states.gather(1, index).squeeze(1);
  }
}
