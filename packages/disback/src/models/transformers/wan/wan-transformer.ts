import { type DType, Module, scope, type Tensor } from "@disback/torch";
import { Dense } from "../../dense.js";
import { modulated } from "../../dit/block.js";
import { torchStart } from "../../unet-2d/start.js";
import type { WeightSource } from "../../weights.js";
import { needed, type TransformerCondition } from "../condition.js";
import { shiftTable, WanBlock } from "./block.js";
import { TimeTextEmbedding } from "./embedding.js";
import type { WanOptions } from "./options.js";
import { ClipPatchEmbedding, clipRotation, type Extent, joinClip } from "./patches.js";

/**
 * `WanTransformer3DModel` of diffusers, the network of Wan2.1 that makes clips from text (Wan Team 2025). Keys of its state
 * are the original's. It predicts the velocity noise - data at `x_t = (1 - t) data + t noise`.
 */
export class WanTransformer extends Module {
  readonly patch_embedding: ClipPatchEmbedding;
  readonly condition_embedder: TimeTextEmbedding;
  readonly blocks: WanBlock[];
  readonly proj_out: Dense;
  readonly scale_shift_table: Tensor;

  constructor(
    source: WeightSource,
    readonly options: WanOptions,
  ) {
    super();
    const { heads, channelsPerHead, layers, patch, outChannels } = options;
    const channels = heads * channelsPerHead;
    const volume = patch.reduce((product, size) => product * size, 1);
    this.patch_embedding = new ClipPatchEmbedding(source, channels, options);
    this.condition_embedder = new TimeTextEmbedding(source, channels, options);
    this.blocks = Array.from({ length: layers }, () => new WanBlock(source, options));
    this.proj_out = new Dense(source, channels, outChannels * volume, torchStart);
    this.scale_shift_table = shiftTable(source, 2, channels);
  }

  /** channels of the text states that it takes */
  get textChannels(): number {
    return this.options.textChannels;
  }

  /** shapes of what it is told besides the text: nothing */
  get vectorShapes(): Readonly<Record<string, readonly number[]>> {
    return {};
  }

  /** dtype of its weights, which its input must have */
  get dtype(): DType {
    return this.proj_out.weight.dtype;
  }

  /**
   * @param x latents `[N, C, T, H, W]`; frames, height and width multiples of the patch's
   * @param time 0 (data) to 1 (noise), `[N]` or `[1]`; a thousandth of diffusers' timestep
   * @returns `[N, outChannels, T, H, W]`
   * @throws DisbackError if frames, height or width do not fit, or if the condition lacks the text
   */
  forward(x: Tensor, time: Tensor, condition: TransformerCondition): Tensor {
    return scope(() => {
      const { tokens, vector, places } = this.run(x, time, condition, this.blocks.length);
      const [shift, scale] = this.scale_shift_table.add(vector.unsqueeze(1)).unbind(1) as [Tensor, Tensor];
      const output = this.proj_out.forward(modulated(tokens, shift, scale, this.options.normalizationEps));
      return joinClip(output, places, this.options.patch);
    });
  }

  /**
   * The clip's tokens after half of the blocks, where they stand, its frames one below the other.
   * @returns `[N, channels, frames x rows, columns]`
   */
  features(x: Tensor, time: Tensor, condition: TransformerCondition): Tensor {
    return scope(() => {
      const { tokens } = this.run(x, time, condition, Math.ceil(this.blocks.length / 2));
      return this.placed(tokens, x);
    });
  }

  /** The same after every block. */
  layerFeatures(x: Tensor, time: Tensor, condition: TransformerCondition): Tensor[] {
    return scope(() => {
      const layers: Tensor[] = [];
      this.run(x, time, condition, this.blocks.length, (tokens) => {
        layers.push(this.placed(tokens, x));
      });
      return layers;
    });
  }

  private placed(tokens: Tensor, x: Tensor): Tensor {
    const [frames, rows, columns] = this.patch_embedding.places(x);
    return tokens.transpose(1, 2).reshape([x.shape[0]!, -1, frames * rows, columns]);
  }

  /** @param blocks how many to go through */
  private run(
    x: Tensor,
    time: Tensor,
    condition: TransformerCondition,
    blocks: number,
    onBlock?: (tokens: Tensor) => void,
  ): { tokens: Tensor; vector: Tensor; places: Extent } {
    const places = this.patch_embedding.places(x);
    const told = this.condition_embedder.forward(time, needed(condition, "text", this.dtype));
    const turned = clipRotation(places, this.options.channelsPerHead, x);
    let tokens = this.patch_embedding.forward(x);
    for (const block of this.blocks.slice(0, blocks)) {
      const before = tokens;
      tokens = block.forward(before, told.text, told.modulation, turned);
      before.dispose();
      onBlock?.(tokens);
    }
    return { tokens, vector: told.vector, places };
  }
}
