import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EpochOrder } from "../../src/data/epoch-order.js";
import { RandomStream } from "../../src/data/random.js";
import { fixture } from "./fixtures.js";

const expected = JSON.parse(readFileSync(fixture("random-expected.json"), "utf8"));

describe("RandomStream", () => {
  it("gives the words of xoshiro128** seeded by SplitMix64", () => {
    for (const { seed, stream, values } of expected.words) {
      const random = new RandomStream(BigInt(seed), stream);
      expect(values.map(() => random.word())).toEqual(values);
    }
  });

  it("draws uniform and normal numbers with the right moments", () => {
    const random = new RandomStream(3);
    const count = 100000;
    let sum = 0;
    let squares = 0;
    let fourth = 0;
    for (let index = 0; index < count; index++) {
      const [value] = random.normalPair();
      sum += value;
      squares += value ** 2;
      fourth += value ** 4;
    }
    expect(Math.abs(sum / count)).toBeLessThan(4 / Math.sqrt(count));
    expect(Math.abs(squares / count - 1)).toBeLessThan((4 * Math.sqrt(2)) / Math.sqrt(count));
    expect(Math.abs(fourth / count - 3)).toBeLessThan((4 * Math.sqrt(96)) / Math.sqrt(count));
    const counts = new Array(7).fill(0);
    for (let index = 0; index < 70000; index++) counts[random.below(7)]++;
    const chiSquare = counts.reduce((total, found) => total + (found - 10000) ** 2 / 10000, 0);
    expect(chiSquare).toBeLessThan(22.5); // 0.1 % point of 6 degrees of freedom
  });

  it("permutes evenly", () => {
    const random = new RandomStream(5);
    const seen = new Map<string, number>();
    for (let draw = 0; draw < 24000; draw++) {
      const key = random.permutation(4).join("");
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    expect(seen.size).toBe(24);
    const chiSquare = [...seen.values()].reduce((total, found) => total + (found - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(49.7); // 0.1 % point of 23 degrees of freedom
  });
});

describe("EpochOrder", () => {
  it("gives every sample once per epoch, across batches", () => {
    const order = new EpochOrder(10, 1, true);
    const taken = Array.from({ length: 10 }, () => [...order.take(3)]).flat();
    const epochs = [taken.slice(0, 10), taken.slice(10, 20), taken.slice(20, 30)];
    for (const epoch of epochs) expect([...epoch].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(epochs[0]).not.toEqual(epochs[1]);
  });

  it("goes on exactly where it was saved, even with another seed", () => {
    const original = new EpochOrder(50, 9, true);
    original.take(137);
    const position = JSON.parse(JSON.stringify(original.position()));
    const restored = new EpochOrder(50, 1234, true);
    restored.take(11);
    restored.restore(position);
    expect(restored.take(120)).toEqual(original.take(120));
  });

  it("takes the order given without shuffling, and batches larger than the data", () => {
    const order = new EpochOrder(3, 0, false);
    expect([...order.take(7)]).toEqual([0, 1, 2, 0, 1, 2, 0]);
  });

  it("refuses a position in other data, and a damaged one", () => {
    const order = new EpochOrder(3, 0, true);
    const position = order.position();
    expect(() => order.restore({ ...position, length: 4 })).toThrow(
      "belongs to 4 samples, but this dataset has 3",
    );
    expect(() => order.restore({ ...position, offset: -1 })).toThrow("damaged");
  });
});
