import type { Fail } from "./fail.js";
import { PickleRecord, PickleTuple, type PickleValue } from "./values.js";

/** A NumPy number format, as `f4`, `i8` or `b1`. */
export class NumpyType extends PickleRecord {
  bigEndian = false;

  constructor(readonly code: string) {
    super();
    this.bigEndian = code.startsWith(">");
  }

  get description(): string {
    return `numpy.dtype ${this.kind}`;
  }

  /** Letter and bytes per element. */
  get kind(): string {
    return this.code.replace(/^[<>=|]/, "");
  }

  get itemBytes(): number {
    return Number(/^[biufc](\d{1,2})$/.exec(this.kind)?.[1] ?? Number.NaN);
  }

  /** (version, byte order, ...) */
  override setState(state: PickleValue, fail: Fail): void {
    const order = state instanceof PickleTuple ? state.items[1] : undefined;
    if (typeof order !== "string") fail("a NumPy type without a byte order");
    this.bigEndian = order === ">";
  }
}

/** A NumPy array: its bytes are a view of the pickle's. */
export class NumpyArray extends PickleRecord {
  readonly description = "a NumPy array";
  type = new NumpyType("f4");
  shape: number[] = [];
  /** column-major */
  fortran = false;
  bytes: Uint8Array = new Uint8Array();

  /** (version, shape, type, Fortran order, data) */
  override setState(state: PickleValue, fail: Fail): void {
    const [, shape, type, fortran, data] = state instanceof PickleTuple ? state.items : [];
    if (!(type instanceof NumpyType) || !(shape instanceof PickleTuple)) {
      fail("a NumPy array without shape and type");
    }
    const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
    this.fill(type, shape.items, fortran === true, bytes ?? null, fail);
  }

  fill(
    type: NumpyType,
    shape: readonly PickleValue[],
    fortran: boolean,
    bytes: PickleValue,
    fail: Fail,
  ): void {
    if (Number.isNaN(type.itemBytes)) fail(`a NumPy array of type ${type.kind}: only numbers are read`);
    if (shape.length > 32) fail(`a NumPy array of ${shape.length} dimensions`);
    const sizes = shape.map((size) =>
      typeof size === "number" && size >= 0 ? size : fail("a NumPy array of a wrong shape"),
    );
    const expected = sizes.reduce((product, size) => product * size, type.itemBytes);
    if (!(bytes instanceof Uint8Array)) fail("a NumPy array without its data");
    if (bytes.length !== expected)
      fail(`a NumPy array of ${expected} bytes with ${bytes.length} bytes of data`);
    this.type = type;
    this.shape = sizes;
    this.fortran = fortran;
    this.bytes = bytes;
  }

  /** The single number of an array without dimensions. */
  item(fail: Fail): PickleValue {
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    const little = !this.type.bigEndian;
    switch (this.type.kind) {
      case "b1":
        return view.getUint8(0) !== 0;
      case "i1":
        return view.getInt8(0);
      case "u1":
        return view.getUint8(0);
      case "i2":
        return view.getInt16(0, little);
      case "u2":
        return view.getUint16(0, little);
      case "i4":
        return view.getInt32(0, little);
      case "u4":
        return view.getUint32(0, little);
      case "i8":
        return Number(view.getBigInt64(0, little));
      case "u8":
        return Number(view.getBigUint64(0, little));
      case "f2":
        return halfToNumber(view.getUint16(0, little));
      case "f4":
        return view.getFloat32(0, little);
      case "f8":
        return view.getFloat64(0, little);
      default:
        return fail(`a NumPy number of type ${this.type.kind} is not supported`);
    }
  }
}

/** IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
