import { cat, type DType, Module, scope, type Tensor } from "@disback/torch";
import { Dense } from "../../dense.js";
import { inDtype } from "../../network.js";
import { torchStart } from "../../unet-2d/start.js";
import type { WeightSource } from "../../weights.js";
import { needed, type TransformerCondition } from "../condition.js";
import { JointBlock, throughBlocks } from "../joint-block.js";
import { ModulatedNorm } from "../modulation.js";
import { VectorEmbedding } from "../vector-embedding.js";
import type { FluxOptions } from "./options.js";
import { fluxRotation, pack, unpack } from "./packing.js";
import { SingleBlock } from "./single-block.js";

/**
 * `FluxTransformer2DModel` of diffusers (Black Forest Labs 2024). Keys of its state are the original's; it packs latents
 * itself. It predicts the velocity noise - data at `x_t = (1 - t) data + t noise`.
 */
export class FluxTransformer extends Module {
  readonly time_text_embed: VectorEmbedding;
  readonly context_embedder: Dense;
  readonly x_embedder: Dense;
  readonly transformer_blocks: JointBlock[];
  readonly single_transformer_blocks: SingleBlock[];
  readonly norm_out: ModulatedNorm;
  readonly proj_out: Dense;

  constructor(
    source: WeightSource,
    readonly options: FluxOptions,
  ) {
    super();
    const { heads, guidance, pooledChannels, textChannels } = options;
    const channels = heads * options.channelsPerHead;
    const joint = { channels, heads, normalized: true, dual: false, last: false };
    this.time_text_embed = new VectorEmbedding(source, { channels, pooledChannels, guidance });
    this.context_embedder = new Dense(source, textChannels, channels, torchStart);
    this.x_embedder = new Dense(source, 4 * options.imageChannels, channels, torchStart);
    this.transformer_blocks = Array.from(
      { length: options.jointLayers },
      () => new JointBlock(source, joint),
    );
    this.single_transformer_blocks = Array.from(
      { length: options.singleLayers },
      () => new SingleBlock(source, channels, heads),
    );
    this.norm_out = new ModulatedNorm(source, channels);
    this.proj_out = new Dense(source, channels, 4 * options.outChannels, torchStart);
  }

  /** channels of the text states that it takes */
  get textChannels(): number {
    return this.options.textChannels;
  }

  /** shapes of what it is told besides the text; guidance is one number */
  get vectorShapes(): Readonly<Record<string, readonly number[]>> {
    const { pooledChannels, guidance } = this.options;
    return { pooled: [pooledChannels], ...(guidance ? { guidance: [] } : {}) };
  }

  /** dtype of its weights, which its input must have */
  get dtype(): DType {
    return this.proj_out.weight.dtype;
  }

  /**
   * @param x `[N, C, H, W]`, height and width even
   * @param time 0 (data) to 1 (noise), `[N]` or `[1]`
   * @returns `[N, outChannels, H, W]`
   * @throws DisbackError if height or width do not fit, or if the condition lacks what the network needs
   */
  forward(x: Tensor, time: Tensor, condition: TransformerCondition): Tensor {
    const [height, width] = x.shape.slice(2) as [number, number];
    return scope(() => {
      const layers = this.transformer_blocks.length + this.single_transformer_blocks.length;
      const { image, vector } = this.run(x, time, condition, layers);
      return unpack(this.proj_out.forward(this.norm_out.forward(image, vector)), height, width);
    });
  }

  /** The picture's tokens after half of the blocks, where they stand. @returns `[N, channels, H / 2, W / 2]` */
  features(x: Tensor, time: Tensor, condition: TransformerCondition): Tensor {
    return scope(() => {
      const layers = this.transformer_blocks.length + this.single_transformer_blocks.length;
      return placed(this.run(x, time, condition, Math.ceil(layers / 2)).image, x);
    });
  }

  /** The same after every block of both kinds. */
  layerFeatures(x: Tensor, time: Tensor, condition: TransformerCondition): Tensor[] {
    return scope(() => {
      const seen: Tensor[] = [];
      const layers = this.transformer_blocks.length + this.single_transformer_blocks.length;
      this.run(x, time, condition, layers, (image) => {
        seen.push(placed(image, x));
      });
      return seen;
    });
  }

  /** @param layers how many blocks of both kinds to go through */
  private run(
    x: Tensor,
    time: Tensor,
    condition: TransformerCondition,
    layers: number,
    onBlock?: (image: Tensor) => void,
  ): { image: Tensor; vector: Tensor } {
    const image = this.x_embedder.forward(pack(x));
    const [height, width] = x.shape.slice(2) as [number, number];
    const guidance = this.options.guidance ? needed(condition, "guidance", this.dtype) : undefined;
    const vector = this.time_text_embed.forward(time, needed(condition, "pooled", this.dtype), guidance);
    const text = this.context_embedder.forward(inDtype(condition.text, this.dtype));
    const length = text.shape[1]!;
    const turned = fluxRotation(length, [height / 2, width / 2], this.options.axisChannels, x);
    const joint = this.transformer_blocks.slice(0, layers);
    const streams = throughBlocks(joint, { image, text }, vector, turned, onBlock);
    let tokens = cat([streams.text, streams.image], 1);
    const left = Math.max(0, layers - this.transformer_blocks.length);
    const imageOf = (both: Tensor) => both.narrow(1, length, both.shape[1]! - length);
    for (const block of this.single_transformer_blocks.slice(0, left)) {
      const before = tokens;
      tokens = block.forward(before, vector, turned);
      before.dispose();
      onBlock?.(imageOf(tokens));
    }
    return { image: imageOf(tokens), vector };
  }
}

/** A picture's tokens where they stand. @param x the latents that they are of */
function placed(image: Tensor, x: Tensor): Tensor {
  const [height, width] = x.shape.slice(2) as [number, number];
  return image.transpose(1, 2).reshape([x.shape[0]!, -1, height / 2, width / 2]);
}
