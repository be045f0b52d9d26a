import {
  Conv2d,
  Embedding,
  full,
  GroupNorm,
  Identity,
  LayerNorm,
  Linear,
  type Module,
  MultiheadAttention,
  ones,
  ops,
  Sequential,
  SiLU,
  type Tensor,
} from "@disback/torch";
import { describe, expect, test } from "vitest";
import { expectClose, Fixture } from "../fixture.js";

const fixture = new Fixture("modules.safetensors");

type Case = [name: string, module: Module & { forward(input: Tensor): Tensor }];

const cases: Case[] = [
  ["linear", new Linear(5, 3)],
  ["linearNoBias", new Linear(5, 3, { bias: false })],
  ["conv", new Conv2d(4, 6, 3, { padding: 1 })],
  ["convGrouped", new Conv2d(4, 6, [3, 2], { stride: [2, 1], padding: [1, 0], dilation: [1, 2], groups: 2 })],
  ["convNoBias", new Conv2d(4, 6, 1, { bias: false })],
  ["groupNorm", new GroupNorm(2, 6, { eps: 1e-3 })],
  ["layerNorm", new LayerNorm([4, 5], { eps: 1e-4 })],
  ["embedding", new Embedding(7, 3)],
  ["silu", new SiLU()],
  [
    "sequential",
    new Sequential(new Linear(3, 8), new SiLU(), new Sequential(new Linear(8, 2), new Identity())),
  ],
];

describe("values and gradients agree with PyTorch", () => {
  test.each(cases)("%s", (name, module) => check(name, module, ([input]) => module.forward(input!)));

  test("selfAttention", () => {
    const attention = new MultiheadAttention(8, 2);
    check("selfAttention", attention, ([x]) => attention.forward(x!));
  });

  test("crossAttention", () => {
    const attention = new MultiheadAttention(8, 2);
    check("crossAttention", attention, ([q, k, v]) => attention.forward(q!, k, v));
  });

  test("causalAttention", () => {
    const attention = new MultiheadAttention(8, 2);
    check("causalAttention", attention, ([x]) => attention.forward(x!, x, x, { causal: true }));
    attention.zeroGrad();
    const mask = ops.tril(ones([5, 5], { dtype: "bool" }));
    check("causalAttention", attention, ([x]) => attention.forward(x!, x, x, { mask }));
  });
});

test("options of normalizations", () => {
  const norm = new GroupNorm(2, 4, { affine: false });
  expect(norm.parameters()).toEqual([]);
  expectClose(norm.forward(full([1, 4, 2, 2], 3)), full([1, 4, 2, 2], 0));
});

test("attention refuses heads that do not divide the dimension", () => {
  expect(() => new MultiheadAttention(8, 3)).toThrow("embedDim 8 is not divisible by 3 heads");
});

function check(name: string, module: Module, forward: (inputs: Tensor[]) => Tensor): void {
  module.loadStateDict(fixture.under(`${name}.state.`));
  const inputs: Tensor[] = [];
  for (let index = 0; fixture.find(`${name}.input.${index}`); index++) {
    const input = fixture.get(`${name}.input.${index}`).clone();
    inputs.push(input.dtype === "float32" ? input.requiresGrad_() : input);
  }
  const output = forward(inputs);
  expectClose(output, fixture.get(`${name}.output`), 1e-6, `${name} output`);
  output
    .mul(fixture.get(`${name}.weight`))
    .sum()
    .backward();
  for (const [key, parameter] of module.namedParameters()) {
    expectClose(parameter.grad, fixture.get(`${name}.grad.${key}`), 2e-6, `${name} gradient of ${key}`);
  }
  inputs.forEach((input, index) => {
    const expected = fixture.find(`${name}.grad.input.${index}`);
    if (expected) expectClose(input.grad, expected, 2e-6, `${name} gradient of input ${index}`);
  });
}
