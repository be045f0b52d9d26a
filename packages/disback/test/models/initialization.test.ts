import { cat, Generator } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { createDenoiser } from "../../src/models/config.js";
import { readCases, relativeError } from "./fixtures.js";

const { cases, value } = readCases("initialization");

describe("fresh weights", () => {
  it.each(cases)("$name: those of the original for the same seed", (of) => {
    const denoiser = createDenoiser(of.config, { generator: new Generator(of.seed) });
    const state = denoiser.stateDict();
    expect([...state.keys()].sort()).toEqual(Object.keys(of.keys).sort());
    for (const [key, weights] of state) {
      const first = weights.detach().flatten().slice(0, 0, 4);
      const sum = weights.detach().to("float64").sum().float().reshape([1]);
      const expected = value(of, key)!;
      expect(relativeError(cat([first, sum]), expected), key).toBeLessThan(1e-6);
    }
  });
});
