import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openCheckpoint, parsePickled } from "../../src/import/checkpoint/open-checkpoint.js";
import { findWeights } from "../../src/import/find-weights.js";
import { readTeacher } from "../../src/import/read-teacher.js";
import { fixture, fixtureBytes } from "./fixtures.js";

const folder = mkdtempSync(join(tmpdir(), "disback-mutations-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Numbers below `limit`, the same in every run (Steele et al.'s SplitMix, 32 bits). */
function seeded(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % limit;
  };
}

/** Bytes that mean much to a pickle. */
const telling = Buffer.from(
  "(.0125FIJKLMNPQRSTUVXabcdeghijlopqrstu]){}\x80\x81\x8a\x8b\x8c\x8d\x8e\x93\x94\x95\x96\x97\xff",
  "latin1",
);

/** One to eight changes: bytes replaced, cut out, doubled, swapped, or the end cut off. */
function mutate(original: Uint8Array, random: (limit: number) => number): Uint8Array {
  let bytes = Buffer.from(original);
  for (let change = random(8); change >= 0 && bytes.length > 1; change--) {
    const at = random(bytes.length);
    const length = 1 + random(Math.min(64, bytes.length - at));
    switch (random(7)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes[at] = telling[random(telling.length)]!;
        break;
      case 2:
        bytes[at] ^= 1 << random(8);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
        break;
      case 5:
        bytes.fill(random(2) ? 0xff : 0, at, Math.min(bytes.length, at + 4));
        break;
      default:
        bytes.copyWithin(random(bytes.length), at, at + length);
    }
  }
  return random(10) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
}

interface Tally {
  read: number;
  refused: number;
  slowest: number;
}

async function attempt(tally: Tally, work: () => unknown): Promise<void> {
  const began = performance.now();
  try {
    await work();
    tally.read++;
  } catch (error) {
    if ((error as Error).name !== "DisbackError") throw error;
    expect((error as Error).message).not.toContain("\n");
    tally.refused++;
  }
  tally.slowest = Math.max(tally.slowest, performance.now() - began);
}

describe("mutated files end in a clear error or in data", () => {
  it.each([
    ["values-0.pkl", 1500],
    ["values-2.pkl", 1500],
    ["values-4.pkl", 1500],
    ["arrays-2.pkl", 1000],
    ["arrays-4.pkl", 1000],
    ["arrays-5.pkl", 1000],
    ["strided-legacy.pt", 2000],
    ["hostile-eval.pkl", 300],
    ["vp-ddpmpp.pkl", 400],
    ["legacy.pth", 200],
  ])("%s, %i times", async (name, count) => {
    const original = fixtureBytes(name);
    const random = seeded(count);
    const tally: Tally = { read: 0, refused: 0, slowest: 0 };
    const peak = { bytes: 0 };
    for (let index = 0; index < count; index++) {
      const bytes = mutate(original, random);
      await attempt(tally, () => {
        const { format, value } = parsePickled(bytes, name);
        findWeights({ path: name, format, bytes: bytes.length, value, close() {} });
      });
      peak.bytes = Math.max(peak.bytes, process.memoryUsage().rss);
    }
    expect(tally.read + tally.refused).toBe(count);
    expect(tally.refused).toBeGreaterThan(count / 3);
    expect(tally.slowest).toBeLessThan(2000);
    expect(peak.bytes).toBeLessThan(1.5e9);
  });

  it("strided.pt as an archive, 700 times", async () => {
    const original = fixtureBytes("strided.pt");
    const random = seeded(7);
    const tally: Tally = { read: 0, refused: 0, slowest: 0 };
    const path = join(folder, "mutated.pt");
    for (let index = 0; index < 700; index++) {
      writeFileSync(path, mutate(original, random));
      await attempt(tally, async () => {
        const checkpoint = await openCheckpoint(path);
        checkpoint.close();
      });
    }
    expect(tally.slowest).toBeLessThan(2000);
  });

  it("whole imports: settings of a network's pickle, 100 times", async () => {
    const original = fixtureBytes("vp-ddpmpp.pkl");
    const random = seeded(11);
    const tally: Tally = { read: 0, refused: 0, slowest: 0 };
    const path = join(folder, "mutated.pkl");
    const text = Buffer.from(original).toString("latin1");
    // Where sizes stand: numbers after the names of arguments.
    const places = [
      "img_resolution",
      "model_channels",
      "channel_mult",
      "num_blocks",
      "img_channels",
      "label_dim",
      "dropout",
    ].flatMap((name) => [...text.matchAll(new RegExp(name, "g"))].map(({ index }) => index + name.length));
    expect(places.length).toBeGreaterThan(5);
    for (let index = 0; index < 100; index++) {
      const bytes = Buffer.from(original);
      for (let change = 0; change < 2; change++)
        bytes[places[random(places.length)]! + random(6)] = random(256);
      writeFileSync(path, bytes);
      await attempt(tally, async () => (await readTeacher(path)).denoiser.dispose());
    }
    expect(tally.slowest).toBeLessThan(5000);
  });
});

it("the fixtures themselves are read", async () => {
  const checkpoint = await openCheckpoint(fixture("iddpm-adm.pt"));
  expect(findWeights(checkpoint).key).toBe("net");
  checkpoint.close();
});
