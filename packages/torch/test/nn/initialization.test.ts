import {
  Conv2d,
  Embedding,
  Generator,
  GroupNorm,
  LayerNorm,
  Linear,
  type Module,
  MultiheadAttention,
} from "@disback/torch";
import { expect, test } from "vitest";
import { expectEqual, Fixture } from "../fixture.js";

const fixture = new Fixture("initialization.safetensors");

const cases: [string, (generator: Generator) => Module][] = [
  ["linear", (generator) => new Linear(5, 3, { generator })],
  ["conv", (generator) => new Conv2d(4, 6, 3, { generator })],
  ["groupNorm", (generator) => new GroupNorm(2, 6, { generator })],
  ["layerNorm", (generator) => new LayerNorm(4, { generator })],
  ["embedding", (generator) => new Embedding(7, 3, { generator })],
  ["attention", (generator) => new MultiheadAttention(8, 2, { generator })],
];

test.each(cases)("seed 0 gives PyTorch's weights: %s", (name, make) => {
  const expected = fixture.under(`${name}.`);
  const state = make(new Generator(0)).stateDict();
  expect(new Set(state.keys())).toEqual(new Set(expected.keys()));
  for (const [key, tensor] of state) expectEqual(tensor, expected.get(key)!, key);
});
