import { type DType, ModuleList, ops, scope, type Tensor } from "@disback/torch";
import { Dense } from "../dense.js";
import { PositionalEmbedding } from "../embeddings.js";
import { inDtype, Network } from "../network.js";
import type { WeightSource } from "../weights.js";
import { DitBlock, modulated, normalizationEps } from "./block.js";
import { type Conditioning, shownClasses, waveChannels, withoutClasses } from "./conditioning.js";
import type { DitOptions } from "./options.js";
import { joinPatches, PatchEmbedding } from "./patches.js";

const ZERO = { distribution: "xavier-uniform", weightScale: 0 } as const;

/**
 * The diffusion transformer (Peebles and Xie 2023) with adaLN-Zero blocks. Keys of its state are those of
 * DiTTransformer2DModel in diffusers. Labels that are zeros select the embedding of "no class".
 */
export class Dit extends Network {
  readonly pos_embed: PatchEmbedding;
  readonly transformer_blocks: ModuleList<DitBlock>;
  readonly proj_out_1: Dense;
  readonly proj_out_2: Dense;
  private readonly waves: PositionalEmbedding;
  private readonly side: number;

  constructor(
    source: WeightSource,
    private readonly options: DitOptions,
  ) {
    super();
    const { inChannels, outChannels, patchSize, heads, channelsPerHead } = options;
    const channels = heads * channelsPerHead;
    this.side = options.imageResolution / patchSize;
    this.waves = new PositionalEmbedding(waveChannels, { order: "cosine-first", endpoint: true });
    this.pos_embed = new PatchEmbedding(source, inChannels, channels, patchSize, this.side);
    this.transformer_blocks = new ModuleList(
      Array.from({ length: options.layers }, () => new DitBlock(source, channels, options)),
    );
    this.proj_out_1 = new Dense(source, channels, 2 * channels, ZERO);
    this.proj_out_2 = new Dense(source, channels, patchSize ** 2 * outChannels, ZERO);
  }

  get dtype(): DType {
    return this.proj_out_1.weight.dtype;
  }

  /** @param x `[N, C, H, W]` @param noise steps 0 to 999 `[N]` or `[1]` @returns `[N, outChannels, H, W]` */
  forward(x: Tensor, noise: Tensor, labels?: Tensor): Tensor {
    const conditioning = this.condition(x, noise, labels);
    const tokens = this.run(x, conditioning, this.options.layers);
    const vector = this.transformer_blocks.at(0)!.norm1.emb.forward(conditioning);
    const [shift, scale] = this.proj_out_1.forward(ops.silu(vector)).chunk(2, 1) as [Tensor, Tensor];
    const output = this.proj_out_2.forward(modulated(tokens, shift, scale, normalizationEps));
    return joinPatches(output, [this.side, this.side], this.options.patchSize);
  }

  /** The tokens after half of the blocks, at their positions in the sample. */
  features(x: Tensor, noise: Tensor, labels?: Tensor): Tensor {
    const blocks = Math.ceil(this.options.layers / 2);
    return this.placed(this.run(x, this.condition(x, noise, labels), blocks));
  }

  /** The tokens after every block, at their positions in the sample. */
  override layerFeatures(x: Tensor, noise: Tensor, labels?: Tensor): Tensor[] {
    const layers: Tensor[] = [];
    this.run(x, this.condition(x, noise, labels), this.options.layers, (tokens) => {
      layers.push(this.placed(tokens));
    });
    return layers;
  }

  override stateWithoutLabels(): Map<string, Tensor> {
    return withoutClasses(this.stateDict(), this.options.labelDim);
  }

  private condition(x: Tensor, noise: Tensor, labels?: Tensor): Conditioning {
    const waves = inDtype(this.waves.forward(noise), this.dtype);
    return { waves, classes: shownClasses(this, this.options, x, labels) };
  }

  private run(
    x: Tensor,
    conditioning: Conditioning,
    blocks: number,
    onBlock?: (tokens: Tensor) => void,
  ): Tensor {
    let tokens = this.pos_embed.forward(x);
    for (let index = 0; index < blocks; index++) {
      const before = tokens;
      tokens = scope(() => this.transformer_blocks.at(index)!.forward(before, conditioning));
      onBlock?.(tokens);
    }
    return tokens;
  }

  /** @param tokens `[N, S, channels]` @returns `[N, channels, side, side]` */
  private placed(tokens: Tensor): Tensor {
    return tokens.transpose(1, 2).reshape([tokens.shape[0]!, -1, this.side, this.side]);
  }
}
