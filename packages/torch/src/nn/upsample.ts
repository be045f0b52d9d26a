import { call } from "../call.js";
import { TorchError } from "../errors.js";
import { ops } from "../ops.js";
import type { Tensor } from "../tensor.js";
import { type PerAxis, perAxis } from "./conv.js";
import { Module } from "./module.js";

export type InterpolationMode = "nearest" | "nearest-exact" | "linear" | "bilinear" | "bicubic" | "trilinear";

/** Exactly one of `size` and `scaleFactor`. */
export interface InterpolateOptions {
  /** the output's size, without batch and channels */
  size?: PerAxis;
  /** the output's size relative to the input's */
  scaleFactor?: PerAxis;
  /** default "nearest" */
  mode?: InterpolationMode;
  /** align the corner pixels, default false; not with "nearest" modes */
  alignCorners?: boolean;
}

type Interpolation = (
  input: Tensor,
  size: number[] | null,
  factors: number[] | null,
  align: boolean,
) => Tensor;

const exact =
  (axes: number): Interpolation =>
  (input, size, factors) =>
    call(`aten::_upsample_nearest_exact${axes}d`, "vec", input, size, factors) as Tensor;

/** By mode and number of resized axes. */
const operators: Record<string, Interpolation> = {
  "nearest 1": (input, size, factors) => ops.upsample_nearest1d_vec(input, size, factors),
  "nearest 2": (input, size, factors) => ops.upsample_nearest2d_vec(input, size, factors),
  "nearest 3": (input, size, factors) => ops.upsample_nearest3d_vec(input, size, factors),
  "nearest-exact 1": exact(1),
  "nearest-exact 2": exact(2),
  "nearest-exact 3": exact(3),
  "linear 1": (input, size, factors, align) => ops.upsample_linear1d_vec(input, size, align, factors),
  "bilinear 2": (input, size, factors, align) => ops.upsample_bilinear2d_vec(input, size, align, factors),
  "bicubic 2": (input, size, factors, align) => ops.upsample_bicubic2d_vec(input, size, align, factors),
  "trilinear 3": (input, size, factors, align) => ops.upsample_trilinear3d_vec(input, size, align, factors),
};

/**
 * Resizes all axes but batch and channels, as `torch.nn.functional.interpolate`.
 *
 * @param input `[N, C, ...]`, three to five axes
 * @throws TorchError unless there is exactly one of `size` and `scaleFactor`, or if the mode does not support this
 *   number of axes
 */
export function interpolate(input: Tensor, options: InterpolateOptions): Tensor {
  const { size, scaleFactor, mode = "nearest", alignCorners = false } = options;
  if ((size === undefined) === (scaleFactor === undefined))
    throw new TorchError("interpolate: give either size or scaleFactor");
  const axes = input.ndim - 2;
  const operator = operators[`${mode} ${axes}`];
  if (!operator)
    throw new TorchError(
      `interpolate: mode "${mode}" is not for an input of shape [${input.shape.join(", ")}]`,
    );
  const sizes = size === undefined ? null : perAxis(size, axes);
  const factors = scaleFactor === undefined ? null : perAxis(scaleFactor, axes);
  return operator(input, sizes, factors, alignCorners);
}

/** Resizes all axes but batch and channels. */
export class Upsample extends Module {
  constructor(private readonly options: InterpolateOptions) {
    super();
  }

  /** @param input `[N, C, ...]` @returns `[N, C, ...]` of the new size */
  forward(input: Tensor): Tensor {
    return interpolate(input, this.options);
  }
}

/** Rearranges channels into pixels (Shi et al. 2016): `[N, C r^2, H, W]` to `[N, C, H r, W r]`. */
export class PixelShuffle extends Module {
  constructor(private readonly factor: number) {
    super();
  }

  forward(input: Tensor): Tensor {
    return ops.pixel_shuffle(input, this.factor);
  }
}

/** The reverse: `[N, C, H r, W r]` to `[N, C r^2, H, W]`. */
export class PixelUnshuffle extends Module {
  constructor(private readonly factor: number) {
    super();
  }

  forward(input: Tensor): Tensor {
    return ops.pixel_unshuffle(input, this.factor);
  }
}
