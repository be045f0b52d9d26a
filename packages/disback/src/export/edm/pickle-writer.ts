import { closeSync, openSync, writeSync } from "node:fs";

/** What can be written: Python's plain values, bytes that are made when they are written, and a call. */
export type Picklable =
  | null
  | boolean
  | number
  | string
  | readonly Picklable[]
  | ReadonlyMap<string, Picklable>
  | PickledBytes
  | PickledCall;

/** `length` bytes, which `read` returns when they are written. */
export class PickledBytes {
  constructor(
    readonly length: number,
    readonly read: () => Uint8Array,
  ) {}
}

/** A call of a Python function when the pickle is read. */
export class PickledCall {
  constructor(
    readonly module: string,
    readonly name: string,
    readonly argument: Picklable,
  ) {}
}

/** Writes a value as a pickle of protocol 4. @throws an error of the file system */
export function writePickle(path: string, value: Picklable): void {
  const file = openSync(path, "w");
  const write = (bytes: Uint8Array) => {
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
  };
  try {
    write(Uint8Array.of(0x80, 4));
    writeValue(value, write);
    write(Buffer.from("."));
  } finally {
    closeSync(file);
  }
}

function writeValue(value: Picklable, write: (bytes: Uint8Array) => void): void {
  const code = (letter: string) => write(Buffer.from(letter, "latin1"));
  if (value === null) code("N");
  else if (typeof value === "boolean") code(value ? "\x88" : "\x89");
  else if (typeof value === "number") write(encodeNumber(value));
  else if (typeof value === "string") write(encodeText(value));
  else if (value instanceof PickledBytes) {
    const head = Buffer.alloc(9, 0x8e);
    head.writeBigUInt64LE(BigInt(value.length), 1);
    write(head);
    write(value.read());
  } else if (value instanceof PickledCall) {
    code(`c${value.module}\n${value.name}\n`);
    writeValue(value.argument, write);
    code("\x85R");
  } else if (value instanceof Map) {
    code("}(");
    for (const [key, entry] of value) {
      write(encodeText(key));
      writeValue(entry, write);
    }
    code("u");
  } else {
    code("](");
    for (const item of value as readonly Picklable[]) writeValue(item, write);
    code("e");
  }
}

/** Whole numbers of 32 bits as Python's int, all others as its float. */
function encodeNumber(value: number): Buffer {
  const whole = Number.isInteger(value) && Math.abs(value) < 2 ** 31;
  const bytes = Buffer.alloc(whole ? 5 : 9, whole ? "J" : "G");
  if (whole) bytes.writeInt32LE(value, 1);
  else bytes.writeDoubleBE(value, 1);
  return bytes;
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(5, "X");
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}
