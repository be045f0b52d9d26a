import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  arange,
  CheckpointError,
  ones,
  randn,
  readSafetensors,
  readSafetensorsHeader,
  type Tensor,
  writeSafetensors,
  zeros,
} from "@disback/torch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectEqual, fixturePath, numbers } from "../fixture.js";

const reference = fixturePath("reference.safetensors");
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "safetensors-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("reading", () => {
  test("every dtype and shape that the reference implementation wrote", () => {
    const contents = JSON.parse(readFileSync(fixturePath("reference.json"), "utf8"));
    const { tensors, metadata } = readSafetensors(reference);
    expect(metadata).toEqual({ format: "pt", note: "grüße" });
    expect(new Set(tensors.keys())).toEqual(new Set(Object.keys(contents)));
    for (const [name, tensor] of tensors) {
      expect(tensor.shape, name).toEqual(contents[name].shape);
      expect(tensor.dtype, name).toBe(contents[name].dtype);
      expect(numbers(tensor), name).toEqual(contents[name].values);
    }
  });

  test("the header alone", () => {
    const { entries } = readSafetensorsHeader(reference);
    const entry = entries.find(({ name }) => name === "float32")!;
    expect([entry.shape, entry.format.dtype]).toEqual([[2, 3], "float32"]);
  });

  test("writing to a tensor does not change the file", () => {
    const path = join(folder, "private.safetensors");
    writeSafetensors(path, { a: ones([4]) });
    readSafetensors(path).tensors.get("a")!.zero_();
    expect(numbers(readSafetensors(path).tensors.get("a")!)).toEqual([1, 1, 1, 1]);
  });

  test("tensors at odd offsets", () => {
    const path = raw(
      { a: entry("U8", [1], 0, 1), b: entry("F32", [1], 1, 5) },
      Buffer.from([7, 0, 0, 128, 63]),
    );
    const { tensors } = readSafetensors(path);
    expect(numbers(tensors.get("a")!)).toEqual([7]);
    expect(numbers(tensors.get("b")!)).toEqual([1]);
  });
});

describe("writing", () => {
  test("gives the reference implementation's bytes", () => {
    const { tensors } = readSafetensors(reference);
    const path = join(folder, "again.safetensors");
    writeSafetensors(path, new Map([...tensors].reverse()), { format: "pt" });
    const [ours, theirs] = [split(path), split(reference)];
    expect(ours.data.equals(theirs.data)).toBe(true);
    expect({ ...ours.header, __metadata__: 0 }).toEqual({ ...theirs.header, __metadata__: 0 });
  });

  test("round trip, views and parameters included", () => {
    const base = arange(12).float().reshape([3, 4]);
    const given: Record<string, Tensor> = {
      transposed: base.t(),
      strided: base.slice(1, 0, 4, 2),
      parameter: randn([3]).requiresGrad_(),
      "10": zeros([0]),
      "2": ones([]),
    };
    const path = join(folder, "views.safetensors");
    writeSafetensors(path, given);
    const { tensors, metadata } = readSafetensors(path);
    expect(metadata).toEqual({});
    for (const [name, tensor] of Object.entries(given)) expectEqual(tensors.get(name), tensor.detach(), name);
  });

  test("pieces of a large tensor join", () => {
    const path = join(folder, "large.safetensors");
    const large = arange(0, 9_000_000, 1, { dtype: "float32" });
    writeSafetensors(path, { large });
    expectEqual(readSafetensors(path).tensors.get("large"), large);
  });

  test("a failure leaves the old file and no temporary one", () => {
    const path = join(folder, "kept.safetensors");
    writeSafetensors(path, { a: ones([1]) });
    const before = readFileSync(path);
    const broken = { a: ones([2]), b: ones([2]) };
    broken.b.dispose();
    expect(() => writeSafetensors(path, broken)).toThrow();
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    const missing = join(folder, "nowhere", "x.safetensors");
    expect(() => writeSafetensors(missing, { a: ones([1]) })).toThrow(CheckpointError);
  });

  test("replacing a file leaves tensors read from it intact", () => {
    const path = join(folder, "replaced.safetensors");
    writeSafetensors(path, { a: ones([2]) });
    const old = readSafetensors(path).tensors.get("a")!;
    writeSafetensors(path, { a: zeros([2]) });
    expect(numbers(old)).toEqual([1, 1]);
  });

  test("gives the reference implementation's header, metadata included", () => {
    const path = join(folder, "written.safetensors");
    writeSafetensors(path, { a: arange(6).float().reshape([2, 3]), b: zeros([0, 2]) }, { note: "ä" });
    const [ours, theirs] = [split(path), split(fixturePath("written.safetensors"))];
    expect(ours.header).toEqual(theirs.header);
    expect(ours.data.equals(theirs.data)).toBe(true);
  });
});

describe("damaged files are named with what is wrong", () => {
  const cases: [string, object | string, number, string][] = [
    ["not JSON", "{oops", 0, "the header is not JSON"],
    ["a list", "[]    ", 0, "the header is not a JSON object"],
    ["metadata", { __metadata__: { a: 1 } }, 0, "__metadata__ must map names to strings"],
    ["dtype", { a: entry("F7", [1], 0, 4) }, 4, 'tensor "a": dtype "F7" is not supported'],
    ["shape", { a: entry("F32", [-1], 0, 4) }, 4, 'tensor "a": shape [-1] is not a list of sizes'],
    ["offsets", { a: entry("F32", [1], 4, 0) }, 4, 'tensor "a": data_offsets [4,0] are not a range'],
    ["size", { a: entry("F32", [2], 0, 4) }, 4, "F32 [2] takes 8 bytes, but data_offsets span 4"],
    ["end", { a: entry("F32", [2], 0, 8) }, 4, "ends at byte 8 of 4; the file is cut short"],
    ["overlap", { a: entry("U8", [4], 0, 4), b: entry("U8", [4], 2, 6) }, 6, 'tensor "b": overlaps'],
    ["gap", { a: entry("U8", [2], 0, 2), b: entry("U8", [2], 4, 6) }, 6, 'tensor "b": a gap lies before it'],
    ["rest", { a: entry("U8", [2], 0, 2) }, 6, "4 bytes belong to no tensor"],
    ["no entry", { a: 5 }, 0, 'tensor "a": the entry is not a JSON object'],
  ];

  test.each(cases)("%s", (_, header, bytes, message) => {
    const path = raw(header, Buffer.alloc(bytes));
    expect(() => readSafetensors(path)).toThrow(CheckpointError);
    expect(() => readSafetensors(path)).toThrow(message);
    expect(() => readSafetensors(path)).toThrow(path);
  });

  test("no file, a folder, a short file, a long header", () => {
    expect(() => readSafetensors(join(folder, "none"))).toThrow("no such file");
    expect(() => readSafetensors(folder)).toThrow(CheckpointError);
    const path = join(folder, "short");
    writeFileSync(path, "abc");
    expect(() => readSafetensors(path)).toThrow("too short for a safetensors file (3 bytes)");
    writeFileSync(path, Buffer.alloc(64, 0x41));
    expect(() => readSafetensors(path)).toThrow("does not fit");
  });
});

function entry(dtype: string, shape: number[], begin: number, end: number): object {
  return { dtype, shape, data_offsets: [begin, end] };
}

/** A file with this header, whatever it says. */
function raw(header: object | string, data: Buffer): string {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const path = join(folder, "raw.safetensors");
  writeFileSync(path, Buffer.concat([length, json, data]));
  return path;
}

function split(path: string): { header: Record<string, unknown>; data: Buffer } {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE());
  return { header: JSON.parse(bytes.subarray(8, start).toString()), data: bytes.subarray(start) };
}
