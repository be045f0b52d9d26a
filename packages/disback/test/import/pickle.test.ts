import { describe, expect, it } from "vitest";
import { parsePickled } from "../../src/import/checkpoint/open-checkpoint.js";
import type { NumpyArray } from "../../src/import/pickle/numpy-values.js";
import { PickleTuple, type PickleValue } from "../../src/import/pickle/values.js";
import { fixture, fixtureBytes, messageOf } from "./fixtures.js";

const read = (name: string) => parsePickled(fixtureBytes(name), name).value as Map<string, PickleValue>;

/** Tuples as { tuple }, dicts as { dict }. */
function plain(value: PickleValue): unknown {
  if (value instanceof PickleTuple) return { tuple: value.items.map(plain) };
  if (value instanceof Map) return { dict: [...value].map(([key, item]) => [plain(key), plain(item)]) };
  return Array.isArray(value) ? value.map(plain) : value;
}

describe.each([0, 1, 2, 3, 4, 5])("protocol %i", (protocol) => {
  const value = read(`values-${protocol}.pkl`);

  it.each<[string, unknown]>([
    ["none", null],
    ["true", true],
    ["false", false],
    ["small", 7],
    ["negative", -3],
    ["large", 2 ** 40],
    ["huge", -(2n ** 70n)],
    ["number", 1.5],
    ["infinite", Number.POSITIVE_INFINITY],
    ["text", "plain"],
    ["unicode", "dämmerung \u{1f305} \\ line\nbreak"],
    ["empty_list", []],
    ["list", [1, [2, [3]]]],
    ["set", new Set([1, 2])],
    ["frozen", new Set(["a"])],
    ["long_text", "x".repeat(300)],
    ["many", Array.from({ length: 1500 }, (_, index) => index)],
    [
      "ordered",
      {
        dict: [
          ["a", 1],
          ["b", 2],
        ],
      },
    ],
    ["tuples", [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]].map((tuple) => ({ tuple }))],
  ])("%s", (name, expected) => {
    expect(plain(value.get(name)!)).toEqual(expected);
  });

  it("bytes and shared parts", () => {
    expect([...(value.get("bytes") as Uint8Array)]).toEqual(Array.from({ length: 256 }, (_, byte) => byte));
    expect(Buffer.from(value.get("mutable") as Uint8Array).toString()).toBe("abc");
    const [first, second] = value.get("shared") as PickleValue[];
    expect(first).toBe(second);
  });
});

describe.each([2, 4, 5])("NumPy, protocol %i", (protocol) => {
  const value = read(`arrays-${protocol}.pkl`);

  it("numbers", () => {
    expect(["scalar", "half", "int", "flag"].map((name) => value.get(name))).toEqual([0.25, 1.5, -5, true]);
  });

  it("arrays", () => {
    const { type, shape, bytes } = value.get("big") as NumpyArray;
    expect([type.kind, type.bigEndian, shape]).toEqual(["f4", true, [2, 3]]);
    expect(new DataView(bytes.buffer, bytes.byteOffset).getFloat32(20)).toBe(5);
    expect(value.get("fortran")).toMatchObject({ fortran: true, shape: [2, 3] });
    expect([...(value.get("bytes") as NumpyArray).bytes]).toEqual([0, 1, 2]);
  });
});

describe("hostile pickles", () => {
  it.each([
    ["hostile-system.pkl", /refused.*posix\.system \(byte 36\); nothing was run/],
    ["hostile-eval.pkl", /__builtin__\.eval \(byte 6\), __builtin__\.getattr \(byte \d+\), posix\.system/],
    ["hostile-text.pkl", /posix\.system \(byte 0\)/],
    ["hostile-instance.pkl", /os\.system \(byte 9\)/],
    ["hostile-build.pkl", /importlib\.import_module/],
    ["hostile-extension.pkl", /byte 2: an extension code/],
    ["hostile-deep-lists.pkl", /too many lists/],
    ["hostile-deep-marks.pkl", /nested more than 10000 deep/],
    ["hostile-empty-dicts.pkl", /too many lists/],
    ["hostile-long-bytes.pkl", /bytes are announced, but 3 are left/],
    ["hostile-long-text.pkl", /a text of 4294967295 bytes/],
    ["hostile-long-number.pkl", /a number of 2147483647 bytes/],
    ["hostile-digits.pkl", /a number of 20000 digits/],
    ["hostile-float.pkl", /a number of 100001 characters/],
    ["hostile-name.pkl", /a name of 100000 characters/],
    ["hostile-memo.pkl", /which it has not stored/],
    ["hostile-copies.pkl", /far more than the file's size/],
  ])("%s", async (name, message) => {
    const before = process.memoryUsage();
    const began = performance.now();
    expect(await messageOf(() => read(name))).toMatch(message);
    expect(performance.now() - began).toBeLessThan(2000);
    const after = process.memoryUsage();
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(100e6);
  });

  it("values shared 2^60 times are read as they are stored", () => {
    expect(Array.isArray(read("hostile-doubling.pkl"))).toBe(true);
  });

  it("every truncation is an error", async () => {
    for (const name of ["values-0.pkl", "values-4.pkl", "arrays-2.pkl", "arrays-5.pkl"]) {
      const bytes = fixtureBytes(name);
      for (let length = 0; length < bytes.length; length += 7) {
        expect(await messageOf(() => parsePickled(bytes.subarray(0, length), name))).toContain(name);
      }
    }
  });

  it("what follows the end is an error", async () => {
    const bytes = Buffer.concat([fixtureBytes("arrays-4.pkl"), Buffer.from("more")]);
    expect(await messageOf(() => parsePickled(bytes, fixture("x")))).toContain("4 bytes follow the end");
  });
});
