import { GroupNorm, Module, recomputed, scope, type Tensor } from "@disback/torch";
import { Convolution } from "../convolution.js";
import { Dense } from "../dense.js";
import { torchStart } from "../unet-2d/start.js";
import type { WeightSource } from "../weights.js";
import { TextTransformerBlock } from "./transformer-block.js";

export interface SpatialTransformerOptions {
  channels: number;
  heads: number;
  textChannels: number;
  layers: number;
  groups: number;
  linearProjection: boolean;
}

/** Transformer blocks over the pixels of a feature map, added to it: `Transformer2DModel` of diffusers. */
export class SpatialTransformer extends Module {
  readonly norm: GroupNorm;
  readonly proj_in: Dense | Convolution;
  readonly transformer_blocks: TextTransformerBlock[];
  readonly proj_out: Dense | Convolution;

  constructor(source: WeightSource, options: SpatialTransformerOptions) {
    super();
    const { channels, heads, textChannels, layers, groups, linearProjection } = options;
    const projection = () =>
      linearProjection
        ? new Dense(source, channels, channels, torchStart)
        : new Convolution(source, channels, channels, 1, torchStart);
    this.norm = new GroupNorm(groups, channels, { eps: 1e-6 });
    this.proj_in = projection();
    this.transformer_blocks = Array.from(
      { length: layers },
      () => new TextTransformerBlock(source, channels, heads, textChannels),
    );
    this.proj_out = projection();
  }

  /** @param x `[N, C, H, W]` @param text `[N, L, D]` @param bias of its mask @returns the same shape as x */
  forward(x: Tensor, text: Tensor, bias?: Tensor): Tensor {
    const [batch, channels, height, width] = x.shape as [number, number, number, number];
    const tokensOf = (image: Tensor) => image.flatten(2).transpose(1, 2);
    const imageOf = (tokens: Tensor) => tokens.transpose(1, 2).reshape([batch, channels, height, width]);
    return scope(() => {
      let tokens = scope(() => {
        const normal = (image: Tensor) => this.norm.forward(image);
        if (this.proj_in instanceof Dense)
          return this.proj_in.forward(recomputed((image) => scope(() => tokensOf(normal(image))), x));
        return tokensOf(this.proj_in.forward(recomputed(normal, x))).contiguous();
      });
      for (const block of this.transformer_blocks) {
        const before = tokens;
        tokens = block.forward(before, text, bias);
        before.dispose();
      }
      const change =
        this.proj_out instanceof Dense
          ? imageOf(this.proj_out.forward(tokens))
          : this.proj_out.forward(imageOf(tokens));
      return change.add(x);
    });
  }
}
