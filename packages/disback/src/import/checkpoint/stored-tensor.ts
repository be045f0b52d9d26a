import type { DType } from "@disback/torch";
import type { Fail } from "../pickle/fail.js";
import { PickleRecord } from "../pickle/values.js";

/** Consecutive numbers of one type, of which tensors are windows. The data may be read later. */
export class StoredNumbers extends PickleRecord {
  readonly description = "a tensor's storage";
  bigEndian = false;

  constructor(
    readonly dtype: DType,
    readonly itemBytes: number,
    /** how many numbers */
    readonly length: number,
    /** returns the `length * itemBytes` bytes */
    public read: () => Uint8Array | Promise<Uint8Array>,
  ) {
    super();
  }
}

/** A tensor as a file describes it: a window of stored numbers. */
export class StoredTensor extends PickleRecord {
  readonly description = "a tensor";

  /**
   * @param offset first number
   * @param stride distance of neighbours along each dimension, in numbers
   */
  constructor(
    readonly numbers: StoredNumbers,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly stride: readonly number[],
    fail: Fail,
  ) {
    super();
    if (shape.length !== stride.length || shape.length > 16) fail("a tensor with a wrong number of strides");
    if (![offset, ...shape, ...stride].every((value) => Number.isSafeInteger(value) && value >= 0)) {
      fail("a tensor whose sizes are not whole numbers");
    }
    const last = shape.includes(0)
      ? 0
      : shape.reduce((sum, size, index) => sum + (size - 1) * stride[index]!, offset + 1);
    if (last > numbers.length) {
      fail(`a tensor [${shape.join(", ")}] reaches to number ${last} of ${numbers.length} that are stored`);
    }
  }
}
