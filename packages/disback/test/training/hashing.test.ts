import { createHash, Hash } from "node:crypto";
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { arange, Generator, noGrad, randn, scope } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { fingerprint, hashFile, hashTensor } from "../../src/training/hashing.js";
import { GaussianDenoiser } from "../distill/gaussian.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-hashing-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const PIECE = 16 * 2 ** 20;

describe("the hash of a file", () => {
  it.each([0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 12_345])("of %i bytes is Node's", (size) => {
    const bytes = Buffer.alloc(size);
    for (let place = 0; place < size; place += 97) bytes[place] = place;
    const path = join(folder, "some");
    writeFileSync(path, bytes);
    expect(hashFile(path)).toEqual({ bytes: size, sha256: sha256(bytes) });
  });

  it("beyond 2 GiB is read in pieces: Node refuses to read such a file whole", { timeout: 240_000 }, () => {
    const size = 2 ** 31 + 3;
    const path = join(folder, "large");
    closeSync(openSync(path, "w"));
    truncateSync(path, size);
    // sha256sum of so many zeros.
    const expected = "f10c7766b8ce1111d7772aedad698ab58c843b356a9a6b4ac7ce52dbdc6973e6";
    expect(hashFile(path)).toEqual({ bytes: size, sha256: expected });
  });

  it("of a file that is not there is an error that names it", () => {
    expect(() => hashFile(join(folder, "none"))).toThrow(/none/);
  });
});

describe("the hash of a tensor", () => {
  const hashed = (tensor: ReturnType<typeof randn>) => {
    const hash = createHash("sha256");
    hashTensor(hash, tensor);
    return hash.digest("hex");
  };

  it("is that of its bytes, however many pieces it has", () => {
    for (const shape of [[], [0], [3, 5], [PIECE / 8 + 7]]) {
      const tensor = randn(shape, { generator: new Generator(1) });
      expect(hashed(tensor), shape.join()).toBe(sha256(tensor.bytes()));
    }
  });

  it("goes by the rows as they are read, not as they lie in memory", () => {
    const rows = arange(0, 12).reshape([3, 4]);
    expect(hashed(rows.t())).toBe(sha256(scope(() => rows.t().contiguous().bytes())));
    expect(hashed(rows.t())).not.toBe(hashed(rows));
  });
});

describe("a module's fingerprint", () => {
  it("is that of its weights, bit for bit, and of nothing else", () => {
    const of = (mean: number[], options = {}) => fingerprint(new GaussianDenoiser(mean, options));
    expect(of([1, 2])).toBe(of([1, 2], { sigmaData: 0.1 }));
    expect(of([1, 2])).not.toBe(of([1, 2 + 2 ** -22]));
    expect(of([1, 2])).not.toBe(of([1, 2, 3]));
  });

  it("is computed once, and again after any change", () => {
    const model = new GaussianDenoiser([1, 2]);
    const [weight] = model.parameters();
    const update = vi.spyOn(Hash.prototype, "update");
    const first = fingerprint(model);
    const calls = update.mock.calls.length;
    expect(calls).toBeGreaterThan(0);
    expect(fingerprint(model)).toBe(first);
    expect(update.mock.calls.length).toBe(calls);
    update.mockRestore();
    noGrad(() => weight!.add_(1));
    expect(fingerprint(model)).not.toBe(first);
    noGrad(() => weight!.detach().sub_(1));
    expect(fingerprint(model)).toBe(first);
    model.to({ dtype: "float64" });
    expect(fingerprint(model)).not.toBe(first);
  });
});
