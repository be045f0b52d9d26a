import { arange, cat, Module, ops, scope, type Tensor } from "@disback/torch";
import { EmbeddingTable } from "../../text/embedding-table.js";
import { Dense } from "../dense.js";
import { RootMeanSquareNorm } from "../transformers/root-mean-square.js";
import { type Rotation, rotation } from "../transformers/rotary.js";
import type { WeightSource, WeightStart } from "../weights.js";
import { attendBackwards, type KeyValueCache } from "./key-value-cache.js";
import { LanguageModel } from "./language-model.js";
import type { LanguageOptions } from "./options.js";

/** Layers that end a branch are scaled down by their number (Radford et al. 2019, section 2.3). */
export const residualStart = (layers: number): WeightStart => ({
  distribution: "kaiming-normal",
  weightScale: 1 / Math.sqrt(2 * layers),
});
export const innerStart: WeightStart = { distribution: "kaiming-normal" };

/** Llama (Touvron et al. 2023): `LlamaForCausalLM` of transformers, with its keys. */
export class Llama extends LanguageModel {
  readonly model: { embed_tokens: EmbeddingTable; layers: LlamaLayer[]; norm: RootMeanSquareNorm };
  readonly lm_head: Dense | null;

  constructor(source: WeightSource, options: LanguageOptions, length: number) {
    super(options, length);
    const { tokens, channels, layers, normalizationEps, tied } = options;
    this.model = {
      embed_tokens: new EmbeddingTable(source, tokens, channels),
      layers: Array.from({ length: layers }, (_, layer) => new LlamaLayer(source, options, layer)),
      norm: new RootMeanSquareNorm(channels, normalizationEps),
    };
    this.lm_head = tied ? null : new Dense(source, channels, tokens, innerStart, { bias: false });
  }

  logits(ids: Tensor, cache?: KeyValueCache): Tensor {
    const { embed_tokens, layers, norm } = this.model;
    const { headChannels, rotaryBase } = this.options;
    const count = ids.shape[1]!;
    return scope(() => {
      const start = cache?.length ?? 0;
      const places = arange(start, start + count, 1, { device: ids.device });
      const turn = rotation([places], [headChannels], rotaryBase);
      let states = embed_tokens.forward(ids);
      for (const layer of layers) states = layer.run(states, turn, cache);
      cache?.advance(count);
      const last = norm.forward(states);
      return this.lm_head ? this.lm_head.forward(last) : ops.linear(last, embed_tokens.weight);
    });
  }
}

/** Attention and SwiGLU (Shazeer 2020), each normalized before. */
class LlamaLayer extends Module {
  readonly input_layernorm: RootMeanSquareNorm;
  readonly self_attn: { q_proj: Dense; k_proj: Dense; v_proj: Dense; o_proj: Dense };
  readonly post_attention_layernorm: RootMeanSquareNorm;
  readonly mlp: { gate_proj: Dense; up_proj: Dense; down_proj: Dense };

  constructor(
    source: WeightSource,
    private readonly options: LanguageOptions,
    private readonly layer: number,
  ) {
    super();
    const { channels, heads, keyValueHeads, headChannels, feedForwardChannels, layers } = options;
    const dense = (from: number, to: number, start = innerStart) =>
      new Dense(source, from, to, start, { bias: false });
    const end = residualStart(layers);
    this.input_layernorm = new RootMeanSquareNorm(channels, options.normalizationEps);
    this.self_attn = {
      q_proj: dense(channels, heads * headChannels),
      k_proj: dense(channels, keyValueHeads * headChannels),
      v_proj: dense(channels, keyValueHeads * headChannels),
      o_proj: dense(heads * headChannels, channels, end),
    };
    this.post_attention_layernorm = new RootMeanSquareNorm(channels, options.normalizationEps);
    this.mlp = {
      gate_proj: dense(channels, feedForwardChannels),
      up_proj: dense(channels, feedForwardChannels),
      down_proj: dense(feedForwardChannels, channels, end),
    };
  }

  /** @param states `[N, T, C]` */
  run(states: Tensor, turn: Rotation, cache: KeyValueCache | undefined): Tensor {
    return scope(() => {
      const attended = states.add(this.attend(this.input_layernorm.forward(states), turn, cache));
      const { gate_proj, up_proj, down_proj } = this.mlp;
      const seen = this.post_attention_layernorm.forward(attended);
      const hidden = gate_proj.forward(seen).silu().mul(up_proj.forward(seen));
      return attended.add(down_proj.forward(hidden));
    });
  }

  private attend(states: Tensor, turn: Rotation, cache: KeyValueCache | undefined): Tensor {
    const { q_proj, k_proj, v_proj, o_proj } = this.self_attn;
    const split = (projected: Tensor) =>
      projected.unflatten(-1, [-1, this.options.headChannels]).transpose(1, 2);
    const query = rotateHalves(split(q_proj.forward(states)), turn);
    const key = rotateHalves(split(k_proj.forward(states)), turn);
    const value = split(v_proj.forward(states));
    const [keys, values] = cache ? cache.add(this.layer, key, value) : [key, value];
    return o_proj.forward(attendBackwards(query, keys, values).transpose(1, 2).flatten(2));
  }
}

/** Turns channel i with channel i + d / 2, as transformers does; the original paper pairs neighbours. */
function rotateHalves(x: Tensor, { cosines, sines }: Rotation): Tensor {
  const [left, right] = x.chunk(2, -1) as [Tensor, Tensor];
  const turned = [left.mul(cosines).sub(right.mul(sines)), right.mul(cosines).add(left.mul(sines))];
  return cat(turned, -1).to(x.dtype);
}
