import type { Fail } from "./fail.js";
import type { Limits } from "./limits.js";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads the arguments of a pickle's instructions, in order and never beyond the end. Bytes are views, not copies. */
export class ByteReader {
  private readonly view: DataView;
  private readonly buffer: Buffer;
  position = 0;

  constructor(
    readonly bytes: Uint8Array,
    private readonly limits: Limits,
    private readonly fail: Fail,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint8(): number {
    return this.view.getUint8(this.advance(1));
  }

  uint16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  int32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  uint32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  /** Beyond 2^53 it is only compared with the bytes left, so rounding is harmless. */
  uint64(): number {
    return Number(this.view.getBigUint64(this.advance(8), true));
  }

  /** Python's binary numbers are big-endian. */
  float64(): number {
    return this.view.getFloat64(this.advance(8), false);
  }

  take(length: number): Uint8Array {
    const start = this.advance(length);
    return this.bytes.subarray(start, start + length);
  }

  /** A little-endian number in two's complement. */
  whole(length: number): number | bigint {
    this.limits.number(length, this.fail);
    const bytes = this.take(length);
    if (length === 0) return 0;
    const hex = Buffer.from(bytes).reverse().toString("hex");
    return plain(BigInt.asIntN(8 * length, BigInt(`0x${hex}`)));
  }

  utf8(length: number): string {
    this.limits.text(length, this.fail);
    const bytes = this.take(length);
    try {
      return utf8.decode(bytes);
    } catch {
      return this.fail("a text is not valid UTF-8");
    }
  }

  latin1(length: number): string {
    this.limits.text(length, this.fail);
    const start = this.advance(length);
    return this.buffer.toString("latin1", start, start + length);
  }

  /** Up to the line feed, without it. */
  line(): string {
    const end = this.buffer.indexOf(10, this.position);
    if (end < 0) this.fail("it ends inside a line of text");
    const text = this.latin1(end - this.position);
    this.position = end + 1;
    return text;
  }

  private advance(length: number): number {
    const start = this.position;
    const left = this.bytes.length - start;
    if (length > left) this.fail(`${length} bytes are announced, but ${left} are left: cut short or damaged`);
    this.position = start + length;
    return start;
  }
}

/** A number if exact, else a bigint. */
export function plain(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
