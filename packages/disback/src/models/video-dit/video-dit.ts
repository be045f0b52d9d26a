import { buffer, cat, type DType, fromTypedArray, ModuleList, ops, scope, type Tensor } from "@disback/torch";
import { Convolution } from "../convolution.js";
import { Dense } from "../dense.js";
import { DitBlock, modulated, normalizationEps } from "../dit/block.js";
import { type Conditioning, shownClasses, waveChannels, withoutClasses } from "../dit/conditioning.js";
import { joinPatches, PatchEmbedding } from "../dit/patches.js";
import { PositionalEmbedding } from "../embeddings.js";
import { inDtype, Network } from "../network.js";
import type { WeightSource } from "../weights.js";
import { overSpace, overTime } from "./groups.js";
import type { VideoDitOptions } from "./options.js";

const START = { distribution: "xavier-uniform" } as const;
const ZERO = { distribution: "xavier-uniform", weightScale: 0 } as const;

/**
 * The diffusion transformer for clips: DiT's blocks (Peebles and Xie 2023), whose attention goes in turn over the
 * patches of a frame and over the frames at a place (Latte, Ma et al. 2024, variant 1). A convolution before the patches, and
 * two of its result and of what the tokens say, draw across their edges.
 */
export class VideoDit extends Network {
  readonly stem: Convolution;
  readonly pos_embed: PatchEmbedding;
  readonly transformer_blocks: ModuleList<DitBlock>;
  readonly proj_out_1: Dense;
  readonly proj_out_2: Dense;
  readonly mix: Convolution;
  readonly output: Convolution;
  private readonly moments: Tensor;
  private readonly waves: PositionalEmbedding;
  private readonly side: number;
  /** moments of a clip that have tokens of their own */
  private readonly times: number;

  constructor(
    source: WeightSource,
    private readonly options: VideoDitOptions,
  ) {
    super();
    const { inChannels, outChannels, patchSize, heads, channelsPerHead, framesPerPatch, pixelChannels } =
      options;
    const channels = heads * channelsPerHead;
    this.side = options.imageResolution / patchSize;
    this.times = options.frames / framesPerPatch;
    const patches = this.side ** 2;
    this.waves = new PositionalEmbedding(waveChannels, { order: "cosine-first", endpoint: true });
    this.stem = new Convolution(source, framesPerPatch * inChannels, pixelChannels, 3, START);
    this.pos_embed = new PatchEmbedding(source, pixelChannels, channels, patchSize, this.side);
    this.moments = buffer(momentEmbedding(channels, this.times), { persistent: false });
    const groups = [overSpace(patches), overTime(this.times, patches)] as const;
    this.transformer_blocks = new ModuleList(
      Array.from(
        { length: options.layers },
        (_, index) => new DitBlock(source, channels, options, groups[index % 2]),
      ),
    );
    this.proj_out_1 = new Dense(source, channels, 2 * channels, ZERO);
    this.proj_out_2 = new Dense(source, channels, patchSize ** 2 * pixelChannels, START);
    this.mix = new Convolution(source, 2 * pixelChannels, pixelChannels, 3, START);
    this.output = new Convolution(source, pixelChannels, framesPerPatch * outChannels, 3, ZERO);
  }

  get dtype(): DType {
    return this.proj_out_1.weight.dtype;
  }

  /** @param x `[N, C, T, H, W]` @param noise `[N]` or `[1]` @returns `[N, outChannels, T, H, W]` */
  forward(x: Tensor, noise: Tensor, labels?: Tensor): Tensor {
    const { frames, patchSize, layers, outChannels } = this.options;
    const conditioning = this.condition(x, noise, labels);
    const pixels = this.pixels(x);
    const tokens = this.run(pixels, conditioning, layers);
    const vector = this.transformer_blocks.at(0)!.norm1.emb.forward(conditioning);
    const [shift, scale] = this.proj_out_1.forward(ops.silu(vector)).chunk(2, 1) as [Tensor, Tensor];
    const said = this.proj_out_2.forward(modulated(tokens, shift, scale, normalizationEps));
    const patches = said.reshape([-1, this.side ** 2, said.shape[2]!]);
    const drawn = joinPatches(patches, [this.side, this.side], patchSize);
    const pictures = this.output.forward(ops.silu(this.mix.forward(cat([drawn, pixels], 1))));
    const [height, width] = pictures.shape.slice(2) as [number, number];
    return pictures.reshape([-1, frames, outChannels, height, width]).transpose(1, 2);
  }

  /** The tokens after half of the blocks, the moments one below the other. @returns `[N, channels, times * h, w]` */
  features(x: Tensor, noise: Tensor, labels?: Tensor): Tensor {
    const blocks = Math.ceil(this.options.layers / 2);
    const tokens = this.run(this.pixels(x), this.condition(x, noise, labels), blocks);
    return tokens.transpose(1, 2).reshape([x.shape[0]!, -1, this.times * this.side, this.side]);
  }

  override stateWithoutLabels(): Map<string, Tensor> {
    return withoutClasses(this.stateDict(), this.options.labelDim);
  }

  private condition(x: Tensor, noise: Tensor, labels?: Tensor): Conditioning {
    const waves = inDtype(this.waves.forward(noise.mul(this.options.noiseScale)), this.dtype);
    return { waves, classes: shownClasses(this, this.options, x, labels) };
  }

  /** What the first convolution sees of `framesPerPatch` frames. @returns `[N * times, pixelChannels, H, W]` */
  private pixels(x: Tensor): Tensor {
    const { inChannels, framesPerPatch } = this.options;
    const [height, width] = x.shape.slice(3) as [number, number];
    const pictures = x.transpose(1, 2).reshape([-1, framesPerPatch * inChannels, height, width]);
    return ops.silu(this.stem.forward(pictures));
  }

  /** @returns tokens `[N, times * S, channels]` */
  private run(pixels: Tensor, conditioning: Conditioning, blocks: number): Tensor {
    const patches = this.pos_embed.forward(pixels);
    const [, count, channels] = patches.shape as [number, number, number];
    let tokens = patches.reshape([-1, this.times, count, channels]).add(this.moments).flatten(1, 2);
    for (let index = 0; index < blocks; index++) {
      const before = tokens;
      tokens = scope(() => this.transformer_blocks.at(index)!.forward(before, conditioning));
    }
    return tokens;
  }
}

/** Sines, then cosines of a moment's number (Vaswani et al. 2017, section 3.5). @returns `[1, times, 1, channels]` */
function momentEmbedding(channels: number, times: number): Tensor {
  const half = channels / 2;
  const values = new Float32Array(times * channels);
  for (let time = 0; time < times; time++)
    for (let i = 0; i < half; i++) {
      const phase = time / 10000 ** (i / half);
      values[time * channels + i] = Math.sin(phase);
      values[time * channels + half + i] = Math.cos(phase);
    }
  return fromTypedArray(values, [1, times, 1, channels]);
}
