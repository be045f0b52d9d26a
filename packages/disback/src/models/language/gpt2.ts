import { LayerNorm, Module, ops, parameter, scope, type Tensor } from "@disback/torch";
import { EmbeddingTable } from "../../text/embedding-table.js";
import { initialWeights, type WeightSource, type WeightStart } from "../weights.js";
import { attendBackwards, type KeyValueCache } from "./key-value-cache.js";
import { LanguageModel } from "./language-model.js";
import { innerStart, residualStart } from "./llama.js";
import type { LanguageOptions } from "./options.js";

/** GPT-2 (Radford et al. 2019): `GPT2LMHeadModel` of transformers, with its keys. Its logits come from the embeddings. */
export class Gpt2 extends LanguageModel {
  readonly transformer: { wte: EmbeddingTable; wpe: EmbeddingTable; h: Gpt2Layer[]; ln_f: LayerNorm };

  constructor(source: WeightSource, options: LanguageOptions, length: number) {
    super(options, length);
    const { tokens, places, channels, layers, normalizationEps: eps } = options;
    this.transformer = {
      wte: new EmbeddingTable(source, tokens, channels),
      wpe: new EmbeddingTable(source, places, channels),
      h: Array.from({ length: layers }, (_, layer) => new Gpt2Layer(source, options, layer)),
      ln_f: new LayerNorm(channels, { eps }),
    };
  }

  logits(ids: Tensor, cache?: KeyValueCache): Tensor {
    const { wte, wpe, h, ln_f } = this.transformer;
    const count = ids.shape[1]!;
    return scope(() => {
      const start = cache?.length ?? 0;
      let states = wte.forward(ids).add(wpe.weight.narrow(0, start, count));
      for (const layer of h) states = layer.run(states, cache);
      cache?.advance(count);
      return ops.linear(ln_f.forward(states), wte.weight);
    });
  }
}

class Gpt2Layer extends Module {
  readonly ln_1: LayerNorm;
  readonly attn: { c_attn: Conv1D; c_proj: Conv1D };
  readonly ln_2: LayerNorm;
  readonly mlp: { c_fc: Conv1D; c_proj: Conv1D };

  constructor(
    source: WeightSource,
    private readonly options: LanguageOptions,
    private readonly layer: number,
  ) {
    super();
    const { channels, feedForwardChannels, layers, normalizationEps: eps } = options;
    const end = residualStart(layers);
    this.ln_1 = new LayerNorm(channels, { eps });
    this.attn = {
      c_attn: new Conv1D(source, channels, 3 * channels, innerStart),
      c_proj: new Conv1D(source, channels, channels, end),
    };
    this.ln_2 = new LayerNorm(channels, { eps });
    this.mlp = {
      c_fc: new Conv1D(source, channels, feedForwardChannels, innerStart),
      c_proj: new Conv1D(source, feedForwardChannels, channels, end),
    };
  }

  /** @param states `[N, T, C]` */
  run(states: Tensor, cache: KeyValueCache | undefined): Tensor {
    return scope(() => {
      const attended = states.add(this.attend(this.ln_1.forward(states), cache));
      const wide = this.mlp.c_fc.forward(this.ln_2.forward(attended));
      const hidden = ops.gelu(wide, this.options.activation === "gelu" ? "none" : "tanh");
      return attended.add(this.mlp.c_proj.forward(hidden));
    });
  }

  private attend(states: Tensor, cache: KeyValueCache | undefined): Tensor {
    const { c_attn, c_proj } = this.attn;
    const [query, key, value] = c_attn
      .forward(states)
      .chunk(3, -1)
      .map((part) => part.unflatten(-1, [this.options.heads, -1]).transpose(1, 2)) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const [keys, values] = cache ? cache.add(this.layer, key, value) : [key, value];
    return c_proj.forward(attendBackwards(query, keys, values).transpose(1, 2).flatten(2));
  }
}

/** A fully connected layer whose weight is stored `[in, out]`, as in GPT-2's files. */
class Conv1D extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;

  constructor(source: WeightSource, inFeatures: number, outFeatures: number, start: WeightStart) {
    super();
    const shapes = { weight: [inFeatures, outFeatures], bias: [outFeatures] };
    const { weight, bias } = initialWeights(source, start, shapes, inFeatures, outFeatures);
    this.weight = parameter(weight);
    this.bias = parameter(bias!);
  }

  forward(x: Tensor): Tensor {
    return x.matmul(this.weight).add(this.bias);
  }
}
