import { fileURLToPath } from "node:url";
import { Generator, type Module, noGrad, randn, readSafetensors, scope, type Tensor } from "@disback/torch";
import type { DenoiserConfigInput } from "../../src/models/config.js";

/** One configuration with what the original gives for it. */
export interface Case {
  name: string;
  seed: number;
  config: DenoiserConfigInput;
  /** shapes by key of the original's state_dict */
  keys: Record<string, number[]>;
  /** arguments of the original's sampler */
  options: Record<string, number>;
}

/** Cases and tensors of a file made by fixtures/make_edm_fixtures.py. */
export function readCases(file: string): {
  cases: Case[];
  value: (of: Case, key: string) => Tensor | undefined;
} {
  const path = fileURLToPath(new URL(`../fixtures/models/${file}.safetensors`, import.meta.url));
  const { tensors, metadata } = readSafetensors(path);
  return {
    cases: JSON.parse(metadata["cases"]!) as Case[],
    value: (of, key) => tensors.get(`${of.name}/${key}`),
  };
}

/** The weights that `fill` in make_edm_fixtures.py draws. */
export function fill(module: Module, seed: number): void {
  const generator = new Generator(seed);
  const sorted = module.namedParameters().sort(([a], [b]) => (a < b ? -1 : 1));
  noGrad(() =>
    scope(() => {
      for (const [key, parameter] of sorted) {
        const drawn = randn(parameter.shape, { generator });
        const [first, ...rest] = parameter.shape;
        if (rest.length > 0) parameter.copy_(drawn.mul(1 / Math.sqrt(parameter.numel / first!)));
        else parameter.copy_(drawn.mul(0.1).add(key.endsWith("weight") ? 1 : 0));
      }
    }),
  );
}

/** Largest difference, relative to the largest expected value. */
export function relativeError(actual: Tensor, expected: Tensor): number {
  if (actual.shape.join() !== expected.shape.join()) {
    throw new Error(`shape [${actual.shape}] instead of [${expected.shape}]`);
  }
  return scope(() => {
    const reference = expected.to("float64");
    const difference = actual.detach().to("float64").sub(reference).abs().max().item();
    return difference / Math.max(reference.abs().max().item(), 1e-30);
  });
}
