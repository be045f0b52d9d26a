import { type Handle, native } from "./binding.js";
import { call } from "./call.js";
import { type Scalar, wrapIn } from "./door.js";
import {
  type Device,
  type DType,
  dtypeName,
  isDType,
  type MemoryFormat,
  memoryFormatCode,
  type TypedArray,
} from "./dtype.js";
import { TorchError } from "./errors.js";
import * as ops from "./generated/ops.js";
import { formatTensor } from "./printing.js";
import { adopt } from "./scope.js";

export type NestedArray = number | boolean | bigint | NestedArray[];
/** An index of `at` and `setAt`: one element, a range [start, end, step], a tensor of indices or a mask, `null` for a new axis, "..." for all axes between. */
export type Index =
  | number
  | readonly [start?: number | null, end?: number | null, step?: number]
  | Tensor
  | null
  | "...";

const asList = (dim: number | readonly number[] | undefined): readonly number[] | null =>
  dim === undefined ? null : typeof dim === "number" ? [dim] : dim;

/** The addon fills it when a shape is read; libtorch has at most 64 dimensions. */
const sizes = new Float64Array(64);
native.shareSizes(sizes);

/**
 * A multi-dimensional array of libtorch's. Methods are named as in PyTorch, in camel case; a trailing underscore
 * changes the tensor itself. Everything else is in `ops`.
 */
export class Tensor {
  /** @internal */ handle: Handle;
  /** @internal outside any scope: lives until it is disposed or its object is collected */ kept = false;

  /** @internal */
  constructor(handle: Handle) {
    this.handle = handle;
  }

  get shape(): number[] {
    const ndim = native.shape(this.handle);
    const shape: number[] = [];
    for (let dim = 0; dim < ndim; dim++) shape.push(sizes[dim]!);
    return shape;
  }
  get strides(): number[] {
    return native.strides(this.handle);
  }
  get ndim(): number {
    return native.shape(this.handle);
  }
  get numel(): number {
    return native.numel(this.handle);
  }
  get dtype(): DType {
    return dtypeName(native.scalarType(this.handle));
  }
  get device(): Device {
    return native.device(this.handle) as Device;
  }
  get disposed(): boolean {
    return this.handle === 0;
  }
  /** @throws TorchError if there is no axis `dim` */
  size(dim: number): number {
    const ndim = native.shape(this.handle);
    const position = dim < 0 ? dim + ndim : dim;
    const size = position < ndim ? sizes[position] : undefined;
    if (size === undefined)
      throw new TorchError(`a tensor of shape [${this.shape.join(", ")}] has no axis ${dim}`);
    return size;
  }
  isContiguous(format: MemoryFormat = "contiguous"): boolean {
    return native.isContiguous(this.handle, memoryFormatCode(format));
  }
  /** Where it starts in memory. */
  get address(): bigint {
    return native.dataAddress(this.handle);
  }
  /** How often it, and tensors that share its memory, were written to, as libtorch counts. */
  get version(): number {
    return call("aten::_version", "", this) as number;
  }
  /** Whether both start at the same memory address. */
  sharesMemoryWith(other: Tensor): boolean {
    return native.dataAddress(this.handle) === native.dataAddress(other.handle);
  }

  // Life
  /** Releases the native tensor now; using it afterwards throws. */
  dispose(): void {
    if (this.handle === 0) return;
    native.release(this.handle);
    this.handle = 0;
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  // Reading
  /** The value of a tensor with one element. */
  item(): number {
    return Number(ops.item(this));
  }
  /** Raw bytes, row-major. */
  bytes(): Uint8Array {
    return new Uint8Array(native.readBytes(this.handle));
  }
  /** A copy of the values, row-major; float16 and bfloat16 as Float32Array, bool as Uint8Array. */
  data(): TypedArray {
    const half = this.dtype === "float16" || this.dtype === "bfloat16";
    const source = half ? this.to("float32") : this;
    const result = typed(native.readBytes(source.handle), source.dtype);
    if (half) source.dispose();
    return result;
  }
  /** `data()` without blocking the event loop. */
  async dataAsync(): Promise<TypedArray> {
    const half = this.dtype === "float16" || this.dtype === "bfloat16";
    const source = half ? this.to("float32") : this;
    const dtype = source.dtype;
    const result = typed(await native.readBytesAsync(source.handle), dtype);
    if (half) source.dispose();
    return result;
  }
  /** Nested arrays of numbers (booleans for bool, bigints for whole numbers beyond 2^53). */
  toArray(): NestedArray {
    const data = this.data();
    const dtype = this.dtype;
    const value = (element: number | bigint): NestedArray => {
      if (dtype === "bool") return element !== 0;
      const number = Number(element);
      return typeof element === "bigint" && !Number.isSafeInteger(number) ? element : number;
    };
    const shape = this.shape;
    let position = 0;
    const level = (dim: number): NestedArray =>
      dim === shape.length
        ? value(data[position++]!)
        : Array.from({ length: shape[dim]! }, () => level(dim + 1));
    return level(0);
  }
  toString(): string {
    return formatTensor(this);
  }
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.disposed ? "Tensor(disposed)" : this.toString();
  }

  // Conversion
  to(target: DType | Device | { dtype?: DType; device?: Device; memoryFormat?: MemoryFormat }): Tensor {
    const { dtype, device, memoryFormat } =
      typeof target !== "string"
        ? target
        : isDType(target)
          ? { dtype: target, device: undefined, memoryFormat: undefined }
          : { dtype: undefined, device: target, memoryFormat: undefined };
    return ops.to_dtype_layout(this, dtype, null, device, null, false, false, memoryFormat);
  }
  float(): Tensor {
    return this.to("float32");
  }
  double(): Tensor {
    return this.to("float64");
  }
  long(): Tensor {
    return this.to("int64");
  }
  half(): Tensor {
    return this.to("float16");
  }
  bfloat16(): Tensor {
    return this.to("bfloat16");
  }
  int(): Tensor {
    return this.to("int32");
  }
  bool(): Tensor {
    return this.to("bool");
  }
  cpu(): Tensor {
    return this.to("cpu");
  }
  cuda(): Tensor {
    return this.to("cuda");
  }
  contiguous(format: MemoryFormat = "contiguous"): Tensor {
    return ops.contiguous(this, format);
  }
  clone(): Tensor {
    return ops.clone(this);
  }
  detach(): Tensor {
    return ops.detach(this);
  }

  // Autograd
  get requiresGrad(): boolean {
    return native.requiresGrad(this.handle);
  }
  requiresGrad_(flag = true): this {
    native.setRequiresGrad(this.handle, flag);
    return this;
  }
  get isLeaf(): boolean {
    return native.isLeaf(this.handle);
  }
  get grad(): Tensor | undefined {
    const handle = native.getGrad(this.handle);
    return handle === null ? undefined : adopt(new Tensor(handle));
  }
  set grad(gradient: Tensor | undefined) {
    native.setGrad(this.handle, gradient ? gradient.handle : null);
  }
  /** Adds the gradient of this tensor (or of its product with `gradient`) to the leaves' `grad`. */
  backward(gradient?: Tensor, options: { retainGraph?: boolean; createGraph?: boolean } = {}): void {
    const createGraph = options.createGraph ?? false;
    native.backward(
      [this.handle],
      gradient ? [gradient.handle] : null,
      options.retainGraph ?? createGraph,
      createGraph,
    );
  }

  // Arithmetic
  add(other: Tensor | Scalar, alpha?: Scalar): Tensor {
    return ops.add(this, other, alpha);
  }
  sub(other: Tensor | Scalar, alpha?: Scalar): Tensor {
    return ops.sub(this, other, alpha);
  }
  mul(other: Tensor | Scalar): Tensor {
    return ops.mul(this, other);
  }
  div(other: Tensor | Scalar): Tensor {
    return ops.div(this, other);
  }
  pow(exponent: Tensor | Scalar): Tensor {
    return ops.pow(this, exponent);
  }
  remainder(divisor: Tensor | Scalar): Tensor {
    return ops.remainder(this, divisor);
  }
  neg(): Tensor {
    return ops.neg(this);
  }
  exp(): Tensor {
    return ops.exp(this);
  }
  log(): Tensor {
    return ops.log(this);
  }
  log1p(): Tensor {
    return ops.log1p(this);
  }
  sqrt(): Tensor {
    return ops.sqrt(this);
  }
  rsqrt(): Tensor {
    return ops.rsqrt(this);
  }
  abs(): Tensor {
    return ops.abs(this);
  }
  sign(): Tensor {
    return ops.sign(this);
  }
  sin(): Tensor {
    return ops.sin(this);
  }
  cos(): Tensor {
    return ops.cos(this);
  }
  tanh(): Tensor {
    return ops.tanh(this);
  }
  sigmoid(): Tensor {
    return ops.sigmoid(this);
  }
  silu(): Tensor {
    return ops.silu(this);
  }
  relu(): Tensor {
    return ops.relu(this);
  }
  square(): Tensor {
    return ops.square(this);
  }
  reciprocal(): Tensor {
    return ops.reciprocal(this);
  }
  round(): Tensor {
    return ops.round(this);
  }
  floor(): Tensor {
    return ops.floor(this);
  }
  ceil(): Tensor {
    return ops.ceil(this);
  }
  clamp(min?: number | null, max?: number | null): Tensor {
    return ops.clamp(this, min, max);
  }
  nanToNum(nan?: number, posinf?: number, neginf?: number): Tensor {
    return ops.nan_to_num(this, nan, posinf, neginf);
  }
  isfinite(): Tensor {
    return ops.isfinite(this);
  }
  isnan(): Tensor {
    return ops.isnan(this);
  }
  isinf(): Tensor {
    return ops.isinf(this);
  }
  lerp(end: Tensor, weight: Tensor | number): Tensor {
    return ops.lerp(this, end, weight);
  }

  // In place
  add_(other: Tensor | Scalar, alpha?: Scalar): this {
    ops.add_(this, other, alpha);
    return this;
  }
  sub_(other: Tensor | Scalar, alpha?: Scalar): this {
    ops.sub_(this, other, alpha);
    return this;
  }
  mul_(other: Tensor | Scalar): this {
    ops.mul_(this, other);
    return this;
  }
  div_(other: Tensor | Scalar): this {
    ops.div_(this, other);
    return this;
  }
  copy_(source: Tensor): this {
    ops.copy_(this, source);
    return this;
  }
  zero_(): this {
    ops.zero_(this);
    return this;
  }
  fill_(value: Tensor | Scalar): this {
    ops.fill_(this, value);
    return this;
  }
  clamp_(min?: number | null, max?: number | null): this {
    ops.clamp_(this, min, max);
    return this;
  }
  lerp_(end: Tensor, weight: Tensor | number): this {
    ops.lerp_(this, end, weight);
    return this;
  }
  addcmul_(a: Tensor, b: Tensor, value?: number): this {
    ops.addcmul_(this, a, b, value);
    return this;
  }

  // Reductions
  sum(dim?: number | readonly number[], keepdim = false): Tensor {
    return ops.sum(this, asList(dim), keepdim);
  }
  mean(dim?: number | readonly number[], keepdim = false): Tensor {
    return ops.mean(this, asList(dim), keepdim);
  }
  amax(dim?: number | readonly number[], keepdim = false): Tensor {
    return ops.amax(this, asList(dim) ?? [], keepdim);
  }
  amin(dim?: number | readonly number[], keepdim = false): Tensor {
    return ops.amin(this, asList(dim) ?? [], keepdim);
  }
  max(): Tensor;
  /** Values and their indices along an axis. */
  max(dim: number, keepdim?: boolean): [Tensor, Tensor];
  max(dim?: number, keepdim = false): Tensor | [Tensor, Tensor] {
    return dim === undefined ? ops.max(this) : ops.max_dim(this, dim, keepdim);
  }
  min(): Tensor;
  /** Values and their indices along an axis. */
  min(dim: number, keepdim?: boolean): [Tensor, Tensor];
  min(dim?: number, keepdim = false): Tensor | [Tensor, Tensor] {
    return dim === undefined ? ops.min(this) : ops.min_dim(this, dim, keepdim);
  }
  prod(dim?: number, keepdim = false): Tensor {
    return dim === undefined ? ops.prod(this) : ops.prod_dim_int(this, dim, keepdim);
  }
  logsumexp(dim: number | readonly number[], keepdim = false): Tensor {
    return ops.logsumexp(this, dim, keepdim);
  }
  argmax(dim?: number, keepdim = false): Tensor {
    return ops.argmax(this, dim, keepdim);
  }
  argmin(dim?: number, keepdim = false): Tensor {
    return ops.argmin(this, dim, keepdim);
  }
  /** @param unbiased divide by n - 1 (as PyTorch's default) */
  var(dim?: number | readonly number[], unbiased = true, keepdim = false): Tensor {
    return ops.var(this, asList(dim), unbiased ? 1 : 0, keepdim);
  }
  std(dim?: number | readonly number[], unbiased = true, keepdim = false): Tensor {
    return ops.std(this, asList(dim), unbiased ? 1 : 0, keepdim);
  }
  norm(): Tensor {
    return ops.linalg_vector_norm(this);
  }
  all(dim?: number | readonly number[], keepdim = false): Tensor {
    return ops.all(this, asList(dim), keepdim);
  }
  any(dim?: number | readonly number[], keepdim = false): Tensor {
    return ops.any(this, asList(dim), keepdim);
  }
  cumsum(dim: number): Tensor {
    return ops.cumsum(this, dim);
  }
  softmax(dim: number): Tensor {
    return ops.softmax(this, dim);
  }
  logSoftmax(dim: number): Tensor {
    return ops.log_softmax(this, dim);
  }
  /** @returns sorted values and their indices */
  sort(dim = -1, descending = false): [Tensor, Tensor] {
    return ops.sort(this, dim, descending);
  }
  topk(k: number, dim = -1, largest = true): [Tensor, Tensor] {
    return ops.topk(this, k, dim, largest);
  }

  // Products
  matmul(other: Tensor): Tensor {
    return ops.matmul(this, other);
  }
  mm(other: Tensor): Tensor {
    return ops.mm(this, other);
  }
  bmm(other: Tensor): Tensor {
    return ops.bmm(this, other);
  }

  // Shape
  t(): Tensor {
    return ops.t(this);
  }
  transpose(a: number, b: number): Tensor {
    return ops.transpose(this, a, b);
  }
  permute(dims: readonly number[]): Tensor {
    return ops.permute(this, dims);
  }
  reshape(shape: readonly number[]): Tensor {
    return ops.reshape(this, shape);
  }
  view(shape: readonly number[] | DType): Tensor {
    return typeof shape === "string" ? ops.view_dtype(this, shape) : ops.view(this, shape);
  }
  flatten(start = 0, end = -1): Tensor {
    return ops.flatten(this, start, end);
  }
  unflatten(dim: number, sizes: readonly number[]): Tensor {
    return ops.unflatten(this, dim, sizes);
  }
  movedim(source: number, destination: number): Tensor {
    return ops.movedim(this, source, destination);
  }
  roll(shifts: number | readonly number[], dims: number | readonly number[] = []): Tensor {
    return ops.roll(this, shifts, dims);
  }
  tril(diagonal = 0): Tensor {
    return ops.tril(this, diagonal);
  }
  triu(diagonal = 0): Tensor {
    return ops.triu(this, diagonal);
  }
  unsqueeze(dim: number): Tensor {
    return ops.unsqueeze(this, dim);
  }
  squeeze(dim?: number): Tensor {
    return dim === undefined ? ops.squeeze(this) : ops.squeeze_dim(this, dim);
  }
  /** -1 keeps an axis's size. */
  expand(shape: readonly number[]): Tensor {
    return ops.expand(this, shape);
  }
  broadcastTo(shape: readonly number[]): Tensor {
    return ops.broadcast_to(this, shape);
  }
  repeat(repeats: readonly number[]): Tensor {
    return ops.repeat(this, repeats);
  }
  flip(dims: readonly number[]): Tensor {
    return ops.flip(this, dims);
  }
  chunk(count: number, dim = 0): Tensor[] {
    return ops.chunk(this, count, dim);
  }
  split(size: number | readonly number[], dim = 0): Tensor[] {
    return typeof size === "number" ? ops.split(this, size, dim) : ops.split_with_sizes(this, size, dim);
  }
  unbind(dim = 0): Tensor[] {
    return ops.unbind(this, dim);
  }

  // Selection
  narrow(dim: number, start: number, length: number): Tensor {
    return ops.narrow(this, dim, start, length);
  }
  slice(dim: number, start?: number | null, end?: number | null, step = 1): Tensor {
    return ops.slice(this, dim, start, end, step);
  }
  select(dim: number, index: number): Tensor {
    return ops.select(this, dim, index);
  }
  indexSelect(dim: number, index: Tensor): Tensor {
    return ops.index_select(this, dim, index);
  }
  gather(dim: number, index: Tensor): Tensor {
    return ops.gather(this, dim, index);
  }
  maskedSelect(mask: Tensor): Tensor {
    return ops.masked_select(this, mask);
  }
  /** The indices of all non-zero values: int64 [count, ndim]. */
  nonzero(): Tensor {
    return ops.nonzero(this);
  }
  maskedFill(mask: Tensor, value: Tensor | Scalar): Tensor {
    return ops.masked_fill(this, mask, value);
  }
  /** NumPy's indexing: `x.at(0, [2, 5], null, mask)`. Views where possible; tensors as indices copy. */
  at(...indices: Index[]): Tensor {
    const { view, advanced } = this.indexed(indices);
    return advanced ? ops.index(view, advanced) : view;
  }
  /** Assigns, like `x[indices] = value`: `x.setAt([0, [2, 5]], 1)`. */
  setAt(indices: readonly Index[], value: Tensor | Scalar): this {
    const { view, advanced } = this.indexed(indices);
    if (advanced) {
      const values = value instanceof Tensor ? value : ops.full([], value, view.dtype, null, view.device);
      ops.index_put_(view, advanced, values);
    } else if (value instanceof Tensor) view.copy_(value);
    else view.fill_(value);
    return this;
  }
  /** Its parts along the first axis, as views: `for (const row of x)`. @throws TorchError without an axis */
  [Symbol.iterator](): Iterator<Tensor> {
    if (this.ndim === 0) throw new TorchError("a tensor without axes cannot be iterated");
    return this.unbind(0)[Symbol.iterator]();
  }

  /** The view from plain indices, and the tensors that then index it; `null` for whole axes. */
  private indexed(indices: readonly Index[]): { view: Tensor; advanced?: (Tensor | null)[] } {
    let view: Tensor = this;
    let dim = 0;
    const advanced: (Tensor | null)[] = [];
    const consumed = indices.filter((index) => index !== null && index !== "...").length;
    for (const index of indices) {
      if (index === "...") {
        const skipped = this.ndim - consumed;
        for (let i = 0; i < skipped; i++) advanced[dim++] = null;
      } else if (index === null) {
        view = view.unsqueeze(dim);
        advanced[dim++] = null;
      } else if (typeof index === "number") {
        view = view.select(dim, index);
      } else if (index instanceof Tensor) {
        advanced[dim++] = index;
      } else {
        const [start, end, step] = index;
        view = view.slice(dim, start, end, step);
        advanced[dim++] = null;
      }
    }
    return advanced.some((index) => index) ? { view, advanced } : { view };
  }

  // Comparison
  eq(other: Tensor | Scalar): Tensor {
    return ops.eq(this, other);
  }
  ne(other: Tensor | Scalar): Tensor {
    return ops.ne(this, other);
  }
  lt(other: Tensor | Scalar): Tensor {
    return ops.lt(this, other);
  }
  le(other: Tensor | Scalar): Tensor {
    return ops.le(this, other);
  }
  gt(other: Tensor | Scalar): Tensor {
    return ops.gt(this, other);
  }
  ge(other: Tensor | Scalar): Tensor {
    return ops.ge(this, other);
  }
  logicalNot(): Tensor {
    return ops.logical_not(this);
  }
  logicalAnd(other: Tensor): Tensor {
    return ops.logical_and(this, other);
  }
  logicalOr(other: Tensor): Tensor {
    return ops.logical_or(this, other);
  }
  /** Whether shapes and all values are the same. */
  equal(other: Tensor): boolean {
    return ops.equal(this, other);
  }
}

wrapIn(Tensor);

function typed(buffer: ArrayBuffer, dtype: DType): TypedArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(buffer);
    case "float64":
      return new Float64Array(buffer);
    case "int8":
      return new Int8Array(buffer);
    case "int16":
      return new Int16Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "int64":
      return new BigInt64Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}
