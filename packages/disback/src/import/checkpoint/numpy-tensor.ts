import type { Fail } from "../pickle/fail.js";
import { NumpyArray } from "../pickle/numpy-values.js";
import type { PickleValue } from "../pickle/values.js";
import { formatOfNumpy } from "./storage-types.js";
import { StoredNumbers, StoredTensor } from "./stored-tensor.js";

/** Whether a value is a tensor, PyTorch's or NumPy's. */
export const isTensor = (value: PickleValue): value is StoredTensor | NumpyArray =>
  value instanceof StoredTensor || value instanceof NumpyArray;

/** A tensor as it is, or a NumPy array as a tensor. */
export function asTensor(value: StoredTensor | NumpyArray, fail: Fail): StoredTensor {
  if (value instanceof StoredTensor) return value;
  const format = formatOfNumpy(value.type.kind);
  if (!format) return fail(`a NumPy array of type ${value.type.kind} is not supported`);
  const length = value.bytes.length / format.bytes;
  const numbers = new StoredNumbers(format.dtype, format.bytes, length, () => value.bytes);
  numbers.bigEndian = value.type.bigEndian;
  return new StoredTensor(numbers, 0, value.shape, strides(value), fail);
}

function strides({ shape, fortran }: NumpyArray): number[] {
  const stride = Array<number>(shape.length).fill(1);
  let step = 1;
  for (let index = 0; index < shape.length; index++) {
    const dimension = fortran ? index : shape.length - 1 - index;
    stride[dimension] = step;
    step *= Math.max(1, shape[dimension]!);
  }
  return stride;
}
