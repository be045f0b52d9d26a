import { type DType, ModuleList, noGrad, ops, parameter, scope, type Tensor, zeros } from "@disback/torch";
import { Dense } from "../dense.js";
import { DitBlock, modulated, normalizationEps } from "../dit/block.js";
import { type Conditioning, waveChannels, withNullClass } from "../dit/conditioning.js";
import { PositionalEmbedding } from "../embeddings.js";
import { inDtype, Network } from "../network.js";
import type { WeightSource } from "../weights.js";
import { Neighbourhood } from "./neighbourhood.js";

export interface TextTransformerOptions {
  textLength: number;
  /** size V of the alphabet */
  letterCount: number;
  layers: number;
  heads: number;
  channelsPerHead: number;
  dropout: number;
}

const START = { distribution: "xavier-uniform" } as const;
/** Standard deviation of the places at the start. */
const placeScale = 0.5;
/** Factor of the noise level, a logarithm of a few units, before its waves. */
const noiseScale = 250;

/**
 * A bidirectional transformer over the letters of a noised text, conditioned on its noise level as DiT is (Peebles and Xie
 * 2023, section 3.2). Before each block every letter sees its neighbours. Its outputs are logits of the letters.
 */
export class TextTransformer extends Network {
  readonly input: Dense;
  readonly places: Tensor;
  readonly neighbourhoods: ModuleList<Neighbourhood>;
  readonly blocks: ModuleList<DitBlock>;
  readonly modulation: Dense;
  readonly output: Dense;
  private readonly waves: PositionalEmbedding;

  constructor(source: WeightSource, options: TextTransformerOptions) {
    super();
    const { letterCount, textLength, layers, heads, channelsPerHead, dropout } = options;
    const channels = heads * channelsPerHead;
    this.waves = new PositionalEmbedding(waveChannels, { order: "cosine-first", endpoint: true });
    this.input = new Dense(source, letterCount, channels, START);
    this.places = parameter(noGrad(() => source.normal([textLength, channels]).mul_(placeScale)));
    const block = { heads, dropout, labelDim: 0, attentionBias: true, normalizationEps };
    this.neighbourhoods = new ModuleList(
      Array.from({ length: layers }, () => new Neighbourhood(source, channels)),
    );
    this.blocks = new ModuleList(Array.from({ length: layers }, () => new DitBlock(source, channels, block)));
    this.modulation = new Dense(source, channels, 2 * channels, { ...START, weightScale: 0 });
    this.output = new Dense(source, channels, letterCount, START);
  }

  get dtype(): DType {
    return this.input.weight.dtype;
  }

  /** @param x `[N, L, V]` @param noise `[N]` or `[1]` @returns logits `[N, L, V]` */
  forward(x: Tensor, noise: Tensor): Tensor {
    const conditioning = this.condition(x, noise);
    const tokens = this.run(x, conditioning, this.blocks.length);
    const vector = this.blocks.at(0)!.norm1.emb.forward(conditioning);
    const [shift, scale] = this.modulation.forward(ops.silu(vector)).chunk(2, 1) as [Tensor, Tensor];
    return this.output.forward(modulated(tokens, shift, scale, normalizationEps));
  }

  /** The mean state after half of the blocks. @returns `[N, channels]` */
  features(x: Tensor, noise: Tensor): Tensor {
    return this.run(x, this.condition(x, noise), Math.ceil(this.blocks.length / 2)).mean(1);
  }

  private condition(x: Tensor, noise: Tensor): Conditioning {
    const waves = inDtype(this.waves.forward(noise.mul(noiseScale)), this.dtype);
    const none = zeros([1, 0], { dtype: this.dtype, device: x.device });
    return { waves, classes: withNullClass(none) };
  }

  private run(x: Tensor, conditioning: Conditioning, count: number): Tensor {
    let tokens = this.input.forward(x).add(this.places);
    for (let index = 0; index < count; index++) {
      const before = tokens;
      tokens = scope(() => {
        const seen = this.neighbourhoods.at(index)!.forward(before);
        return this.blocks.at(index)!.forward(seen, conditioning);
      });
    }
    return tokens;
  }
}
