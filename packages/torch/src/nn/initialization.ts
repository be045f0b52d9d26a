import { noGrad } from "../autograd.js";
import { empty } from "../creation.js";
import type { Device, DType } from "../dtype.js";
import { ops } from "../ops.js";
import type { Generator } from "../random.js";
import type { Tensor } from "../tensor.js";

/** Options that every layer with weights takes last. */
export interface LayerOptions {
  /** Draws the initial weights; the default generator if absent. The same seed gives PyTorch's weights. */
  generator?: Generator;
  dtype?: DType;
  device?: Device;
}

/** Uniform values in [-bound, bound]. */
export function uniform(shape: number[], bound: number, options: LayerOptions): Tensor {
  return noGrad(() => {
    const values = allocate(shape, options);
    ops.uniform_(values, -bound, bound, options.generator ?? null);
    return values;
  });
}

/** Normal values of standard deviation 1. */
export function normal(shape: number[], options: LayerOptions): Tensor {
  return noGrad(() => {
    const values = allocate(shape, options);
    ops.normal_(values, 0, 1, options.generator ?? null);
    return values;
  });
}

/**
 * PyTorch's default for linear and convolutional weights: Kaiming uniform with a = sqrt(5) (He et al. 2015, eq. 14),
 * which is a bound of 1 / sqrt(fanIn). Written as PyTorch does so that even the last bit agrees.
 */
export function kaimingUniform(shape: number[], fanIn: number, options: LayerOptions): Tensor {
  const gain = Math.sqrt(2 / (1 + Math.sqrt(5) ** 2));
  return uniform(shape, Math.sqrt(3) * (gain / Math.sqrt(fanIn)), options);
}

/** Xavier uniform (Glorot and Bengio 2010, eq. 16): bound sqrt(6 / (fanIn + fanOut)) for a matrix [fanOut, fanIn]. */
export function xavierUniform(shape: [number, number], options: LayerOptions): Tensor {
  const deviation = Math.sqrt(2 / (shape[0] + shape[1]));
  return uniform(shape, Math.sqrt(3) * deviation, options);
}

function allocate(shape: number[], options: LayerOptions): Tensor {
  return empty(shape, { dtype: options.dtype ?? "float32", device: options.device ?? "cpu" });
}
