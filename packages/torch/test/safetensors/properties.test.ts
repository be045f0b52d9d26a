import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CheckpointError, fromTypedArray, readSafetensors, scope, writeSafetensors } from "@disback/torch";
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "disback-safetensors-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "file.safetensors");

/** Names and float32 values of a few tensors. */
const contents = fc.dictionary(
  fc.string({ unit: "binary", maxLength: 12 }).filter((name) => name !== "__metadata__"),
  fc.array(fc.float({ noNaN: true }), { maxLength: 9 }),
  { maxKeys: 5 },
);

it("what is written is read again, whatever the names", () => {
  fc.assert(
    fc.property(contents, fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }), (values, metadata) => {
      scope(() => {
        const tensors = new Map(
          Object.entries(values).map(([name, list]) => [
            name,
            fromTypedArray(Float32Array.from(list), [list.length]),
          ]),
        );
        writeSafetensors(path, tensors, metadata);
        const read = readSafetensors(path);
        expect({ ...read.metadata }).toEqual({ ...metadata });
        expect([...read.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
        for (const [name, tensor] of read.tensors) expect(tensor.bytes()).toEqual(tensors.get(name)!.bytes());
      });
    }),
    { numRuns: 200, seed: 1 },
  );
});

it("any bytes, and any header, give tensors within the file or an error that names it", () => {
  const entry = fc.record(
    {
      dtype: fc.oneof(fc.constantFrom("F32", "I64", "BOOL", "F16"), fc.anything()),
      shape: fc.oneof(fc.array(fc.nat(4), { maxLength: 3 }), fc.array(fc.maxSafeNat()), fc.anything()),
      data_offsets: fc.oneof(fc.tuple(fc.nat(40), fc.nat(40)), fc.array(fc.double()), fc.anything()),
    },
    { requiredKeys: [] },
  );
  const header = fc
    .oneof(fc.dictionary(fc.string(), fc.oneof(entry, fc.jsonValue())), fc.jsonValue())
    .map((value) => JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? 1 : inner)) ?? "");
  const file = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.tuple(header, fc.uint8Array({ maxLength: 40 })).map(([text, data]) => {
      const json = Buffer.from(text);
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(json.length));
      return Buffer.concat([length, json, data]);
    }),
  );
  fc.assert(
    fc.property(file, (bytes) => {
      writeFileSync(path, bytes);
      scope(() => {
        try {
          for (const tensor of readSafetensors(path).tensors.values()) tensor.bytes();
        } catch (error) {
          expect(error).toBeInstanceOf(CheckpointError);
          expect((error as Error).message).toContain(path);
        }
      });
    }),
    { numRuns: 500, seed: 2 },
  );
});

it("a file that is replaced while it is mapped keeps its contents for those who read it", () => {
  scope(() => {
    writeSafetensors(path, { a: fromTypedArray(Float32Array.of(1, 2, 3), [3]) });
    const before = readSafetensors(path).tensors.get("a")!;
    writeSafetensors(path, { a: fromTypedArray(Float32Array.of(7), [1]) });
    expect(before.toArray()).toEqual([1, 2, 3]);
    expect(readSafetensors(path).tensors.get("a")!.toArray()).toEqual([7]);
  });
});

it("a size of 0 does not hide others that overflow", () => {
  for (const shape of [[0, 2 ** 40, 2 ** 40], Array(65).fill(1)]) {
    const header = { a: { dtype: "U8", shape, data_offsets: [0, shape[0]] } };
    const json = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    writeFileSync(path, Buffer.concat([length, json, Buffer.alloc(shape[0])]));
    expect(() => readSafetensors(path)).toThrow(/file\.safetensors: tensor "a": shape .* is too large/);
  }
});
