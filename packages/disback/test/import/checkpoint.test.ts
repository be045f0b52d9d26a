import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ops, type Tensor, tensor } from "@disback/torch";
import { gzipSync } from "fflate";
import { afterAll, describe, expect, it } from "vitest";
import { isTensor } from "../../src/import/checkpoint/numpy-tensor.js";
import { openCheckpoint } from "../../src/import/checkpoint/open-checkpoint.js";
import type { StoredTensor } from "../../src/import/checkpoint/stored-tensor.js";
import { fixture, fixtureBytes, messageOf } from "./fixtures.js";

const folder = mkdtempSync(join(tmpdir(), "disback-checkpoint-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string, bytes: Uint8Array | string): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

const lfs =
  "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 223295232\n";
const quota = "<!doctype html><html><head><title>Google Drive - Quota exceeded</title></head></html>";
const tarHead = (name: string) => `${name.padEnd(257, "\0")}ustar`;

async function numbersOf({ numbers, shape, stride, offset }: StoredTensor): Promise<unknown> {
  const bytes = await numbers.read();
  const row: Tensor = ops.view_dtype(tensor(Uint8Array.from(bytes)), numbers.dtype);
  return ops
    .as_strided(row, [...shape], [...stride], offset)
    .to("float64")
    .toArray();
}

describe.each(["strided.pt", "strided-legacy.pt"])("%s", (name) => {
  it("tensors in uncommon layouts", async () => {
    const checkpoint = await openCheckpoint(fixture(name));
    const value = checkpoint.value as Map<string, StoredTensor>;
    const read = (key: string) => numbersOf(value.get(key)!);
    expect(await read("transposed")).toEqual([
      [0, 4, 8],
      [1, 5, 9],
      [2, 6, 10],
      [3, 7, 11],
    ]);
    expect(await read("part")).toEqual([
      [4, 6],
      [8, 10],
    ]);
    expect(await read("scalar")).toBe(2.5);
    expect(value.get("empty")!.shape).toEqual([0, 3]);
    expect(await read("bf16")).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9, 10, 11],
    ]);
    expect(await read("long")).toEqual([2 ** 40, -1]);
    expect(await read("flags")).toEqual([1, 0]);
    expect(value.get("whole")!.numbers).toBe(value.get("part")!.numbers);
    expect([...value.values()].every(isTensor)).toBe(true);
    checkpoint.close();
  });
});

describe("damaged, hostile and other files", () => {
  it.each([
    ["hostile-climbing.pt", /unsafe zip file.*\.\.\/\.\.\/outside/],
    ["hostile-bomb.pt", /unpacks to 50000218 bytes from \d+: refused/],
    ["hostile-bomb-pickle.pt", /unpacks to 50000000 bytes from \d+: refused/],
    ["hostile-short-storage.pt", /archive\/data\.pkl.*storage 0 takes 8 bytes instead of 12/],
    ["hostile-no-storage.pt", /storage 0 is missing/],
    ["hostile-two-pickles.pt", /2 data\.pkl/],
    ["missing.pt", /missing\.pt: no such file/],
  ])("%s", async (name, message) => {
    expect(await messageOf(() => openCheckpoint(fixture(name)))).toMatch(message);
  });

  it("truncated archives and older files", async () => {
    for (const name of ["strided.pt", "strided-legacy.pt"]) {
      const bytes = fixtureBytes(name);
      for (let length = 1; length < bytes.length; length += 41) {
        const path = written("cut.pt", bytes.subarray(0, length));
        expect(await messageOf(() => openCheckpoint(path))).toContain("cut.pt");
      }
    }
  });

  it.each([
    ["empty", new Uint8Array(), /the file is empty/],
    ["text", "hello\nworld", /damaged or hostile pickle, byte 0/],
    ["gzip", gzipSync(new Uint8Array(9)), /packed with gzip: unpack it first/],
    ["hdf5", Buffer.from("\x89HDF\r\n", "latin1"), /an HDF5 file/],
    ["tar", tarHead("weights/model.pt"), /a tar archive: unpack it first/],
    ["torch's tar", tarHead("storages"), /PyTorch's tar format from before 2017/],
    ["lfs", lfs, /a Git LFS pointer.*\(223,295,232 bytes\): run "git lfs pull"/],
    ["page", quota, /a web page \("Google Drive - Quota exceeded"\).*download the file/],
    ["json", '{"error": "Repository not found"}', /a server's message \("Repository not found"\)/],
    ["index", '{"weight_map": {}}', /a JSON text, which holds no weights/],
    [
      "xml",
      "<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
      /an XML text \("AccessDenied"\)/,
    ],
    ["sentence", "Entry not found", /a text \("Entry not found"\), not the file itself/],
  ])("%s", async (name, bytes, message) => {
    expect(await messageOf(() => openCheckpoint(written(name, bytes)))).toMatch(message);
  });

  it("a folder", async () => {
    expect(await messageOf(() => openCheckpoint(folder))).toContain("not a file");
  });
});
