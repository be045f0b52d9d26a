import { native } from "./binding.js";
import { type Scalar, wrap } from "./door.js";
import { drawn } from "./draws.js";
import { type Device, type DType, dtypeCode, type TypedArray } from "./dtype.js";
import { TorchError } from "./errors.js";
import * as ops from "./generated/ops.js";
import { packNumbers } from "./pack-numbers.js";
import type { Generator } from "./random.js";
import { scope } from "./scope.js";
import type { Tensor } from "./tensor.js";

export interface TensorOptions {
  /** Default: "float32", or the dtype of the data. */
  dtype?: DType;
  /** Default: "cpu". */
  device?: Device;
  requiresGrad?: boolean;
}

export interface RandomOptions extends TensorOptions {
  /** Default: the device's default generator. */
  generator?: Generator;
}

export type NestedNumbers = number | boolean | readonly NestedNumbers[];

/** The sizes of the axes; a number is one axis. */
export type Shape = number | readonly number[];

/** @throws TorchError if a second size is given instead of options: `zeros(2, 3)` */
function sizesOf(shape: Shape, options: TensorOptions): readonly number[] {
  if (typeof options !== "object")
    throw new TorchError(`a shape of several axes is an array: [${shape}, ${options}]`);
  return typeof shape === "number" ? [shape] : shape;
}

function finish(tensor: Tensor, options: TensorOptions): Tensor {
  return options.requiresGrad ? tensor.requiresGrad_() : tensor;
}

const naturalDType = (array: TypedArray): DType => {
  if (array instanceof Float32Array) return "float32";
  if (array instanceof Float64Array) return "float64";
  if (array instanceof Int8Array) return "int8";
  if (array instanceof Int16Array) return "int16";
  if (array instanceof Int32Array) return "int32";
  if (array instanceof BigInt64Array) return "int64";
  if (array instanceof Uint8Array || array instanceof Uint8ClampedArray) return "uint8";
  throw new TorchError("a Uint16Array holds float16 or bfloat16 bits: give the dtype");
};

/**
 * A tensor with a copy of the array's values.
 *
 * @param dtype default: the array's own. A Uint16Array with float16 or bfloat16 is taken as bits; so is a Uint8Array
 *   with bool. Any other difference converts.
 * @throws TorchError if the shape does not fit the array's length
 */
export function fromTypedArray(
  array: TypedArray,
  shape: readonly number[],
  options: TensorOptions = {},
): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  if (size !== array.length)
    throw new TorchError(`shape [${shape.join(", ")}] needs ${size} values, the array has ${array.length}`);
  const bits =
    (array instanceof Uint16Array && (options.dtype === "float16" || options.dtype === "bfloat16")) ||
    (array instanceof Uint8Array && options.dtype === "bool");
  const source = bits ? (options.dtype as DType) : naturalDType(array);
  let result = wrap(native.createFromBytes(array, dtypeCode(source), shape));
  if (options.dtype && options.dtype !== source) result = result.to(options.dtype);
  if (options.device && options.device !== "cpu") result = result.to(options.device);
  return finish(result, options);
}

/**
 * A tensor from a number, nested arrays of numbers, or a typed array.
 *
 * @param options.shape only with a flat array; default: the data's own shape
 * @throws TorchError if nested arrays are ragged
 */
export function tensor(
  data: NestedNumbers | TypedArray,
  options: TensorOptions & { shape?: readonly number[] } = {},
): Tensor {
  if (ArrayBuffer.isView(data))
    return fromTypedArray(data as TypedArray, options.shape ?? [(data as TypedArray).length], options);
  const shape: number[] = [];
  for (let level: NestedNumbers = data; Array.isArray(level); level = level[0]) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  const values: number[] = [];
  let allBoolean = true;
  const visit = (level: NestedNumbers, depth: number): void => {
    if (Array.isArray(level)) {
      if (level.length !== shape[depth]) throw new TorchError("nested arrays must all have the same lengths");
      for (const element of level) visit(element, depth + 1);
    } else {
      if (depth !== shape.length) throw new TorchError("nested arrays must all have the same depth");
      allBoolean &&= typeof level === "boolean";
      values.push(Number(level));
    }
  };
  visit(data, 0);
  const dtype = options.dtype ?? (allBoolean && values.length > 0 ? "bool" : "float32");
  return fromTypedArray(packNumbers(values, dtype), options.shape ?? shape, { ...options, dtype });
}

export function zeros(shape: Shape, options: TensorOptions = {}): Tensor {
  return finish(
    ops.zeros(sizesOf(shape, options), options.dtype ?? "float32", null, options.device),
    options,
  );
}
export function ones(shape: Shape, options: TensorOptions = {}): Tensor {
  return finish(ops.ones(sizesOf(shape, options), options.dtype ?? "float32", null, options.device), options);
}
export function empty(shape: Shape, options: TensorOptions = {}): Tensor {
  return finish(
    ops.empty(sizesOf(shape, options), options.dtype ?? "float32", null, options.device),
    options,
  );
}
export function full(shape: Shape, value: Scalar, options: TensorOptions = {}): Tensor {
  return finish(
    ops.full(sizesOf(shape, options), value, options.dtype ?? "float32", null, options.device),
    options,
  );
}
export function eye(n: number, options: TensorOptions = {}): Tensor {
  return finish(ops.eye(n, options.dtype ?? "float32", null, options.device), options);
}
/** 0, 1, … below `end`. Default dtype: int64 for whole numbers, else float32. */
export function arange(end: number, options?: TensorOptions): Tensor;
/** start, start + step, … below `end`. Default dtype: int64 if all three are whole numbers, else float32. */
export function arange(start: number, end: number, step?: number, options?: TensorOptions): Tensor;
export function arange(
  first: number,
  second?: number | TensorOptions,
  step = 1,
  last?: TensorOptions,
): Tensor {
  const [start, end] = typeof second === "number" ? [first, second] : [0, first];
  const options = (typeof second === "object" ? second : last) ?? {};
  const whole = [start, end, step].every(Number.isInteger);
  const dtype = options.dtype ?? (whole ? "int64" : "float32");
  return finish(ops.arange_start_step(start, end, step, dtype, null, options.device), options);
}
/** `count` values from start to end, both included. */
export function linspace(start: number, end: number, count: number, options: TensorOptions = {}): Tensor {
  return finish(ops.linspace(start, end, count, options.dtype ?? "float32", null, options.device), options);
}

/** Draws; if a step is being captured, before the step. */
function drawTensor(
  kind: string,
  shape: readonly number[],
  { generator, device = "cpu", dtype = "float32" }: RandomOptions,
  draw: (shape: readonly number[]) => Tensor,
): Tensor {
  return drawn(
    () => `${kind} [${shape.join(", ")}] ${dtype} ${device}`,
    () => drawShare(shape, generator, draw),
    generator === undefined,
  );
}

/** Draws the rows of all processes that share a generator, and keeps those of this one. */
function drawShare(
  shape: readonly number[],
  generator: Generator | undefined,
  draw: (shape: readonly number[]) => Tensor,
): Tensor {
  const [rows, ...rest] = shape;
  if (!generator || generator.share.count === 1 || rows === undefined) return draw(shape);
  const { index, count } = generator.share;
  const all = draw([rows * count, ...rest]);
  const part = all.narrow(0, index * rows, rows);
  // A copy, because a view would keep all rows in memory.
  const own = part.clone();
  for (const tensor of [part, all]) tensor.dispose();
  return own;
}

/** Standard normal values. */
export function randn(shape: Shape, options: RandomOptions = {}): Tensor {
  const { generator, device, dtype = "float32" } = options;
  const draw = (size: readonly number[]) => ops.randn_generator(size, generator, dtype, null, device);
  return finish(drawTensor("randn", sizesOf(shape, options), options, draw), options);
}
/** Uniform values in [0, 1). */
export function rand(shape: Shape, options: RandomOptions = {}): Tensor {
  const { generator, device, dtype = "float32" } = options;
  const draw = (size: readonly number[]) => ops.rand_generator(size, generator, dtype, null, device);
  return finish(drawTensor("rand", sizesOf(shape, options), options, draw), options);
}
/** Whole numbers in [low, high). Default dtype int64. */
export function randint(low: number, high: number, shape: Shape, options: RandomOptions = {}): Tensor {
  const { generator, device, dtype = "int64" } = options;
  const draw = (size: readonly number[]) =>
    ops.randint_low_generator(low, high, size, generator, dtype, null, device);
  return drawTensor(`randint ${low} ${high}`, sizesOf(shape, options), { ...options, dtype }, draw);
}
/**
 * A whole number in [low, high), the same in all processes that share the generator. In a captured step, it selects the
 * capture to replay.
 */
export function drawInteger(low: number, high: number, options: Omit<RandomOptions, "dtype"> = {}): number {
  const { generator, device } = options;
  return drawn(
    () => `whole number ${low} ${high} ${device ?? "cpu"}`,
    () => scope(() => ops.randint_low_generator(low, high, [], generator, "int64", null, device).item()),
    generator === undefined,
  );
}
/** 0 to n - 1 in random order. Default dtype int64. */
export function randperm(n: number, options: RandomOptions = {}): Tensor {
  return ops.randperm_generator(n, options.generator, options.dtype ?? "int64", null, options.device);
}

export function zerosLike(like: Tensor): Tensor {
  return ops.zeros_like(like);
}
export function onesLike(like: Tensor): Tensor {
  return ops.ones_like(like);
}
export function emptyLike(like: Tensor): Tensor {
  return ops.empty_like(like);
}
/** Standard normal values of the same shape, dtype and device. */
export function randnLike(like: Tensor, options: { generator?: Generator } = {}): Tensor {
  return randn(like.shape, { ...options, dtype: like.dtype, device: like.device });
}

export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  return ops.cat(tensors, dim);
}
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  return ops.stack(tensors, dim);
}
export function where(condition: Tensor, a: Tensor, b: Tensor | Scalar): Tensor {
  return ops.where(condition, a, b);
}
export function maximum(a: Tensor, b: Tensor): Tensor {
  return ops.maximum(a, b);
}
export function minimum(a: Tensor, b: Tensor): Tensor {
  return ops.minimum(a, b);
}
export function einsum(equation: string, tensors: readonly Tensor[]): Tensor {
  return ops.einsum(equation, tensors);
}
