import { type DType, Module, scope, type Tensor } from "@disback/torch";
import { Dense } from "../../dense.js";
import { joinPatches } from "../../dit/patches.js";
import { inDtype } from "../../network.js";
import { torchStart } from "../../unet-2d/start.js";
import type { WeightSource } from "../../weights.js";
import { needed, type TransformerCondition } from "../condition.js";
import { JointBlock, throughBlocks } from "../joint-block.js";
import { ModulatedNorm } from "../modulation.js";
import { VectorEmbedding } from "../vector-embedding.js";
import type { Sd3Options } from "./options.js";
import { CentredPatchEmbedding } from "./patches.js";

/**
 * `SD3Transformer2DModel` of diffusers: MM-DiT of Stable Diffusion 3 and 3.5 (Esser et al. 2024). Keys of its state are
 * the original's. It predicts the velocity noise - data at `x_t = (1 - t) data + t noise`.
 */
export class Sd3Transformer extends Module {
  readonly pos_embed: CentredPatchEmbedding;
  readonly time_text_embed: VectorEmbedding;
  readonly context_embedder: Dense;
  readonly transformer_blocks: JointBlock[];
  readonly norm_out: ModulatedNorm;
  readonly proj_out: Dense;

  constructor(
    source: WeightSource,
    readonly options: Sd3Options,
  ) {
    super();
    const { heads, layers, patchSize, outChannels } = options;
    const channels = heads * options.channelsPerHead;
    const { pooledChannels, textChannels, normalizedAttention } = options;
    this.pos_embed = new CentredPatchEmbedding(source, channels, options);
    this.time_text_embed = new VectorEmbedding(source, { channels, pooledChannels, guidance: false });
    this.context_embedder = new Dense(source, textChannels, channels, torchStart);
    this.transformer_blocks = Array.from({ length: layers }, (_, index) => {
      const [dual, last] = [options.dualLayers.includes(index), index === layers - 1];
      return new JointBlock(source, { channels, heads, normalized: normalizedAttention, dual, last });
    });
    this.norm_out = new ModulatedNorm(source, channels);
    this.proj_out = new Dense(source, channels, patchSize ** 2 * outChannels, torchStart);
  }

  /** channels of the text states that it takes */
  get textChannels(): number {
    return this.options.textChannels;
  }

  /** shapes of what it is told besides the text */
  get vectorShapes(): Readonly<Record<string, readonly number[]>> {
    return { pooled: [this.options.pooledChannels] };
  }

  /** dtype of its weights, which its input must have */
  get dtype(): DType {
    return this.proj_out.weight.dtype;
  }

  /**
   * @param x `[N, C, H, W]`; height and width multiples of the patch size
   * @param time 0 (data) to 1 (noise), `[N]` or `[1]`; a thousandth of diffusers' timestep
   * @returns `[N, outChannels, H, W]`
   * @throws DisbackError if height or width do not fit, or if the condition lacks what the network needs
   */
  forward(x: Tensor, time: Tensor, condition: TransformerCondition): Tensor {
    return scope(() => {
      const { image, vector } = this.run(x, time, condition, this.transformer_blocks.length);
      const output = this.proj_out.forward(this.norm_out.forward(image, vector));
      return joinPatches(output, this.pos_embed.places(x), this.options.patchSize);
    });
  }

  /** The picture's tokens after half of the blocks, where they stand. @returns `[N, channels, rows, columns]` */
  features(x: Tensor, time: Tensor, condition: TransformerCondition): Tensor {
    return scope(() => {
      const { image } = this.run(x, time, condition, Math.ceil(this.transformer_blocks.length / 2));
      return this.placed(image, x);
    });
  }

  /** The same after every block. */
  layerFeatures(x: Tensor, time: Tensor, condition: TransformerCondition): Tensor[] {
    return scope(() => {
      const layers: Tensor[] = [];
      this.run(x, time, condition, this.transformer_blocks.length, (image) => {
        layers.push(this.placed(image, x));
      });
      return layers;
    });
  }

  private placed(image: Tensor, x: Tensor): Tensor {
    return image.transpose(1, 2).reshape([x.shape[0]!, -1, ...this.pos_embed.places(x)]);
  }

  private run(
    x: Tensor,
    time: Tensor,
    condition: TransformerCondition,
    blocks: number,
    onBlock?: (image: Tensor) => void,
  ): { image: Tensor; vector: Tensor } {
    const vector = this.time_text_embed.forward(time, needed(condition, "pooled", this.dtype));
    const text = this.context_embedder.forward(inDtype(condition.text, this.dtype));
    const start = { image: this.pos_embed.forward(x), text };
    const { image } = throughBlocks(
      this.transformer_blocks.slice(0, blocks),
      start,
      vector,
      undefined,
      onBlock,
    );
    return { image, vector };
  }
}
