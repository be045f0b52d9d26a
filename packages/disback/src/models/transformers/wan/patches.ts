import { arange, layerProduct, Module, parameter, type Tensor } from "@disback/torch";
import { DisbackError } from "../../../errors.js";
import { torchStart } from "../../unet-2d/start.js";
import { convolutionWeights, type WeightSource } from "../../weights.js";
import { type Rotation, rotation } from "../rotary.js";
import type { WanOptions } from "./options.js";

/** Frames, rows and columns. */
export type Extent = readonly [frames: number, rows: number, columns: number];

/** A clip's patches as tokens: a three-dimensional convolution whose stride is its kernel. Keys as of `Conv3d`. */
export class ClipPatchEmbedding extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;

  constructor(
    source: WeightSource,
    channels: number,
    private readonly options: Pick<WanOptions, "inChannels" | "patch">,
  ) {
    super();
    const { inChannels, patch } = options;
    const { weight, bias } = convolutionWeights(source, torchStart, [inChannels, channels], patch);
    this.weight = parameter(weight);
    this.bias = parameter(bias!);
  }

  /** How many patches a clip has on each axis. @param x `[N, C, T, H, W]` @throws DisbackError if they do not fit */
  places(x: Tensor): Extent {
    const { patch } = this.options;
    const extent = x.shape.slice(2);
    if (extent.length !== 3 || extent.some((size, axis) => size % patch[axis]! !== 0))
      throw new DisbackError(
        `x: ${extent.join(" x ")} must be frames, height and width, multiples of ${patch.join(" x ")}`,
      );
    return extent.map((size, axis) => size / patch[axis]!) as unknown as Extent;
  }

  /** @param x `[N, C, T, H, W]` @returns `[N, tokens, channels]`, frame by frame, row by row */
  forward(x: Tensor): Tensor {
    const [frames, rows, columns] = this.places(x);
    const [deep, high, wide] = this.options.patch;
    const [batch, channels] = x.shape as [number, number];
    const patches = x
      .reshape([batch, channels, frames, deep, rows, high, columns, wide])
      .permute([0, 2, 4, 6, 1, 3, 5, 7])
      .reshape([batch, frames * rows * columns, -1]);
    return layerProduct(patches, this.weight.flatten(1), this.bias);
  }
}

/** Tokens back to a clip. @param tokens `[N, tokens, patch volume x C]` @returns `[N, C, T, H, W]` */
export function joinClip(tokens: Tensor, [frames, rows, columns]: Extent, patch: Extent): Tensor {
  const [deep, high, wide] = patch;
  return tokens
    .reshape([tokens.shape[0]!, frames, rows, columns, deep, high, wide, -1])
    .permute([0, 7, 1, 4, 2, 5, 3, 6])
    .reshape([tokens.shape[0]!, -1, frames * deep, rows * high, columns * wide]);
}

/** Angles of all tokens by their frame, row and column, which share a head's channels: a third each, the rest for time. */
export function clipRotation(extent: Extent, channelsPerHead: number, like: Tensor): Rotation {
  const spatial = 2 * Math.floor(channelsPerHead / 6);
  const places = extent.map((size, axis) => {
    const shape = [1, 1, 1];
    shape[axis] = size;
    return arange(0, size, 1, { dtype: "float64", device: like.device })
      .reshape(shape)
      .expand(extent)
      .flatten();
  });
  return rotation(places, [channelsPerHead - 2 * spatial, spatial, spatial]);
}
