import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { DisbackError } from "../../errors.js";
import { shown } from "../pickle/text-values.js";

/** A tensor as the header lists it. */
export interface GgufTensor {
  /** row-major, the outermost dimension first; the file has them the other way round */
  shape: number[];
  /** number of its quantization */
  type: number;
  /** place of its data in the file */
  offset: number;
}

/** What a GGUF file says before its tensors' data. */
export interface GgufHeader {
  metadata: ReadonlyMap<string, unknown>;
  tensors: ReadonlyMap<string, GgufTensor>;
}

/** The longest header that is read; that of 150,000 tokens with merges takes some 10 MB. */
const mostBytes = 256 * 2 ** 20;
const mostItems = 2 ** 24;

/** Reads the header of a GGUF file, version 2 or 3. @throws DisbackError naming the file, and what is wrong in it */
export function readGgufHeader(path: string): GgufHeader {
  const bytes = readStart(path);
  const fail = (problem: string): never => {
    throw new DisbackError(`${path}: ${problem}`);
  };
  if (bytes.toString("latin1", 0, 4) !== "GGUF") fail("not a GGUF file");
  const reader = new Reader(bytes);
  try {
    const version = reader.u32(4);
    if (version !== 2 && version !== 3) fail(`GGUF of version ${version}; 2 and 3 are known`);
    const [tensorCount, metadataCount] = [reader.count(), reader.count()];
    const metadata = new Map<string, unknown>();
    for (let i = 0; i < metadataCount; i++) metadata.set(reader.text(), reader.value(reader.u32()));
    const listed = Array.from({ length: tensorCount }, () => reader.tensor());
    const alignment = metadata.get("general.alignment") ?? 32;
    if (typeof alignment !== "number" || alignment < 1) fail('"general.alignment" is no size');
    const start = Math.ceil(reader.at / (alignment as number)) * (alignment as number);
    const tensors = new Map(
      listed.map(({ name, offset, ...tensor }) => [name, { ...tensor, offset: start + offset }]),
    );
    return { metadata, tensors };
  } catch (error) {
    if (error instanceof RangeError) return fail("its header is damaged or cut off");
    throw error;
  }
}

function readStart(path: string): Buffer {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    throw new DisbackError(
      `${path}: ${(error as NodeJS.ErrnoException).code === "ENOENT" ? "no such file" : (error as Error).message}`,
    );
  }
  try {
    const bytes = Buffer.alloc(Math.min(fstatSync(file).size, mostBytes));
    readSync(file, bytes, 0, bytes.length, 0);
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** Reads values one after the other; ends of the data are RangeErrors. */
class Reader {
  at = 4;

  constructor(private readonly bytes: Buffer) {}

  u32(at = this.at): number {
    this.at = at + 4;
    return this.bytes.readUInt32LE(at);
  }

  /** A 64-bit size that is sensible. */
  count(): number {
    const value = this.u64();
    if (value > mostItems) throw new RangeError("too many");
    return value;
  }

  text(): string {
    const length = this.count();
    const end = this.at + length;
    if (end > this.bytes.length) throw new RangeError("cut off");
    const text = this.bytes.toString("utf8", this.at, end);
    this.at = end;
    return text;
  }

  tensor(): GgufTensor & { name: string } {
    const name = this.text();
    const dimensions = this.u32();
    if (dimensions > 8) throw new RangeError(`${shown(name)} has ${dimensions} dimensions`);
    const shape = Array.from({ length: dimensions }, () => this.u64()).reverse();
    return { name, shape, type: this.u32(), offset: this.u64() };
  }

  value(type: number): unknown {
    const { bytes } = this;
    const fixed = (size: number, read: (at: number) => unknown) => {
      const value = read(this.at);
      this.at += size;
      return value;
    };
    switch (type) {
      case 0:
        return fixed(1, (at) => bytes.readUInt8(at));
      case 1:
        return fixed(1, (at) => bytes.readInt8(at));
      case 2:
        return fixed(2, (at) => bytes.readUInt16LE(at));
      case 3:
        return fixed(2, (at) => bytes.readInt16LE(at));
      case 4:
        return fixed(4, (at) => bytes.readUInt32LE(at));
      case 5:
        return fixed(4, (at) => bytes.readInt32LE(at));
      case 6:
        return fixed(4, (at) => bytes.readFloatLE(at));
      case 7:
        return fixed(1, (at) => bytes.readUInt8(at) !== 0);
      case 8:
        return this.text();
      case 9: {
        const of = this.u32();
        return Array.from({ length: this.count() }, () => this.value(of));
      }
      case 10:
        return this.u64();
      case 11:
        return fixed(8, (at) => Number(bytes.readBigInt64LE(at)));
      case 12:
        return fixed(8, (at) => bytes.readDoubleLE(at));
      default:
        throw new RangeError(`a value of type ${type}`);
    }
  }

  private u64(): number {
    const value = Number(this.bytes.readBigUInt64LE(this.at));
    this.at += 8;
    return value;
  }
}
