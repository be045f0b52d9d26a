import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, expect, it } from "vitest";
import { TensorboardLog } from "../../src/runs/tensorboard/log.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-tensorboard-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

// Decoded here from the formats' descriptions (TFRecord, protocol buffers' wire format), not with what wrote them.

/** CRC-32C bit by bit. */
function crc32c(bytes: Uint8Array): number {
  let state = 0xffffffff;
  for (const byte of bytes) {
    state ^= byte;
    for (let bit = 0; bit < 8; bit++) state = state & 1 ? (state >>> 1) ^ 0x82f63b78 : state >>> 1;
  }
  return ~state >>> 0;
}
function masked(bytes: Uint8Array): number {
  const crc = BigInt(crc32c(bytes));
  return Number((((crc >> 15n) | ((crc << 17n) & 0xffffffffn)) + 0xa282ead8n) & 0xffffffffn);
}

function records(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(bytes.readUInt32LE(at + 8)).toBe(masked(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(masked(data));
    found.push(data);
    at += 16 + length;
  }
  return found;
}

type Field = number | bigint | Buffer;
/** Fields of a message by number: varints, doubles, floats and bytes. */
function fields(message: Buffer): Map<number, Field[]> {
  const found = new Map<number, Field[]>();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const taken = (bytes: number) => {
    at += bytes;
    return message.subarray(at - bytes, at);
  };
  while (at < message.length) {
    const key = Number(varint());
    let value: Field;
    if ((key & 7) === 0) value = varint();
    else if ((key & 7) === 1) value = taken(8).readDoubleLE();
    else if ((key & 7) === 5) value = taken(4).readFloatLE();
    else value = taken(Number(varint()));
    found.set(key >> 3, [...(found.get(key >> 3) ?? []), value]);
  }
  return found;
}

function read(): Map<number, Field[]>[] {
  const [file] = readdirSync(folder).filter((name) => name.includes("tfevents"));
  return records(readFileSync(join(folder, file!))).map(fields);
}

it("writes figures and pictures as TensorFlow's events", async () => {
  const picture = join(folder, "grid.png");
  await sharp(Buffer.alloc(6 * 4 * 3), { raw: { width: 6, height: 4, channels: 3 } })
    .png()
    .toFile(picture);
  const log = new TensorboardLog(folder, 21);
  log.append(
    { stage: "backtrack", iteration: 300, images: 38_400, seconds: 1.5, fid: 9.25, note: "NaN" },
    picture,
  );
  log.append({ stage: "backtrack", iteration: 310, images: 39_680, seconds: 2 }, join(folder, "none.png"));

  const [version, session, first, second] = read();
  expect(String(version!.get(3)![0])).toBe("brain.Event:2");
  expect(version!.get(1)![0]).toBeCloseTo(Date.now() / 1000, -2);
  // What an earlier session wrote from step 21 on is void.
  expect(session!.get(2)).toEqual([21n]);
  expect(fields(session!.get(7)![0] as Buffer).get(1)).toEqual([1n]);

  expect(first!.get(2)).toEqual([300n]);
  const values = fields(first!.get(5)![0] as Buffer)
    .get(1)!
    .map((value) => fields(value as Buffer));
  expect(values.map((value) => [String(value.get(1)![0]), value.get(2)?.[0]])).toEqual([
    ["images", 38_400],
    ["seconds", 1.5],
    ["fid", 9.25],
    ["samples", undefined],
  ]);
  const image = fields(values.at(-1)!.get(4)![0] as Buffer);
  expect([1, 2, 3].map((number) => image.get(number)![0])).toEqual([4n, 6n, 3n]);
  expect(Buffer.compare(image.get(4)![0] as Buffer, readFileSync(picture))).toBe(0);
  expect(second!.get(2)).toEqual([310n]);
});

it("says which file cannot be written", () => {
  writeFileSync(join(folder, "in-the-way"), "");
  expect(() => new TensorboardLog(join(folder, "in-the-way"), 0)).toThrow(/cannot write .*in-the-way/);
});
