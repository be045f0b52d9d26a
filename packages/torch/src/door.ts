import { type Handle, type NativeFunction, native } from "./binding.js";
import { type DType, dtypeCode, type MemoryFormat, memoryFormatCode } from "./dtype.js";
import { adopt } from "./scope.js";
import type { Tensor } from "./tensor.js";

/** A number, a 64-bit integer or a boolean, for libtorch's Scalar. A whole number counts as an integer. */
export type Scalar = number | bigint | boolean;

/** Tensors, or a prepared array of their handles (see `TensorHandles`): optimizers pass hundreds each step. */
export type TensorList = readonly Tensor[] | Uint32Array;

export function resolve(name: string, overload: string, inPlace = false): NativeFunction {
  return native.operator(name, overload, inPlace);
}

let TensorOf: new (handle: Handle) => Tensor;

/** Called once by tensor.ts, whose methods call operators: an import of its class would be a circle. */
export function wrapIn(tensorClass: typeof TensorOf): void {
  TensorOf = tensorClass;
}

/** Wraps a native tensor, owned by the current scope. */
export function wrap(handle: Handle): Tensor {
  return adopt(new TensorOf(handle));
}

export function wrapAll(handles: readonly Handle[]): Tensor[] {
  return handles.map(wrap);
}

/** Results of several kinds: 0 a plain value, 1 a tensor, 2 a list of tensors. */
export function wrapMixed(values: readonly unknown[], kinds: readonly number[]): unknown[] {
  return values.map((value, i) =>
    kinds[i] === 1 ? wrap(value as Handle) : kinds[i] === 2 ? wrapAll(value as Handle[]) : value,
  );
}

export function handles(tensors: TensorList): Uint32Array | Handle[] {
  return tensors instanceof Uint32Array ? tensors : tensors.map((tensor) => tensor.handle);
}

export function optionalHandles(
  tensors: readonly (Tensor | null)[] | null | undefined,
): (Handle | null)[] | null | undefined {
  return tensors?.map((tensor) => tensor?.handle ?? null);
}

export function dtypeArgument(dtype: DType | null | undefined): number | null | undefined {
  return dtype == null ? dtype : dtypeCode(dtype);
}

export function memoryFormatArgument(format: MemoryFormat | null | undefined): number | null | undefined {
  return format == null ? format : memoryFormatCode(format);
}
