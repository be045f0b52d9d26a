import { inspect } from "node:util";
import {
  buffer,
  CheckpointError,
  Conv2d,
  Dropout,
  Generator,
  Linear,
  Module,
  ModuleDict,
  ModuleList,
  ones,
  parameter,
  randn,
  Sequential,
  SiLU,
  scope,
  type Tensor,
  TorchError,
  tensor,
  zeros,
} from "@disback/torch";
import { describe, expect, test } from "vitest";
import { expectEqual, numbers } from "../fixture.js";

class Block extends Module {
  readonly scale = parameter(ones([2]));
  readonly counter = buffer(zeros([1]));
  readonly table = buffer(tensor([1, 2, 3]), { persistent: false });
  readonly layers = [new Linear(2, 2), new Linear(2, 2, { bias: false })];
  readonly heads = { first: new Linear(2, 1), "8x8_block": new SiLU() };
  readonly list = new ModuleList([new Linear(2, 2)]);
  readonly byName = new ModuleDict({ a: new Linear(2, 2, { bias: false }) });
  readonly constant = tensor([5]);
  readonly settings = { depth: 3, names: ["x", "y"] };

  forward(input: Tensor): Tensor {
    return this.layers[0]!.forward(input).mul(this.scale);
  }
}

describe("discovery", () => {
  test("keys are the paths of property names, own tensors first", () => {
    const keys = ["scale", "layers.0.weight", "layers.0.bias", "layers.1.weight"];
    keys.push("heads.first.weight", "heads.first.bias", "list.0.weight", "list.0.bias", "byName.a.weight");
    const block = new Block();
    expect(block.namedParameters().map(([name]) => name)).toEqual(keys);
    expect(block.namedBuffers().map(([name]) => name)).toEqual(["counter", "table"]);
    expect([...block.stateDict().keys()]).toEqual([keys[0], "counter", ...keys.slice(1)]);
    expect(block.modules()).toHaveLength(9);
  });

  test("shared parameters are listed once and saved under each name", () => {
    const shared = new Linear(2, 2);
    const both = new Sequential(shared, shared);
    expect(both.parameters()).toHaveLength(2);
    expect(both.stateDict().size).toBe(4);
    expect(both.clone().parameters()).toHaveLength(2);
  });

  test("a module that contains itself is refused", () => {
    const list = new ModuleList<Module>();
    list.push(list);
    expect(() => list.parameters()).toThrow(TorchError);
    expect(String(list)).toBe("ModuleList(\n  (0): (itself)\n)");
  });

  test("train, eval, requiresGrad_ and zeroGrad reach all parts", () => {
    const block = new Block();
    expect(
      block
        .eval()
        .modules()
        .some((module) => module.training),
    ).toBe(false);
    expect(
      block
        .train()
        .modules()
        .every((module) => module.training),
    ).toBe(true);
    block
      .forward(ones([1, 2]))
      .sum()
      .backward();
    expect(block.scale.grad).toBeDefined();
    block.zeroGrad();
    expect(block.parameters().some((tensor) => tensor.grad)).toBe(false);
    expect(
      block
        .requiresGrad_(false)
        .parameters()
        .some((tensor) => tensor.requiresGrad),
    ).toBe(false);
  });
});

test("a module prints its structure", () => {
  const net = new Sequential(
    new Conv2d(3, 8, 3, { padding: 1 }),
    new SiLU(),
    new Sequential(new Linear(4, 2)),
  );
  expect(inspect(net)).toBe(`Sequential(
  (0): Conv2d(weight: [8, 3, 3, 3], bias: [8], stride: [1,1], padding: [1,1], dilation: [1,1], groups: 1)
  (1): SiLU()
  (2): Sequential(
    (0): Linear(weight: [2, 4], bias: [2])
  )
)`);
  expect(String(new Block()).split("\n").slice(0, 4)).toEqual([
    'Block(scale: [2], counter: [1], table: [3], constant: [1], settings.depth: 3, settings.names: ["x","y"],',
    "  (layers.0): Linear(weight: [2, 2], bias: [2])",
    "  (layers.1): Linear(weight: [2, 2])",
    "  (heads.first): Linear(weight: [1, 2], bias: [1])",
  ]);
});

describe("state dict", () => {
  test("copies values, and says what is wrong before writing anything", () => {
    const [from, to] = [new Block(), new Block()];
    to.loadStateDict(from.stateDict());
    for (const [name, value] of to.stateDict()) expectEqual(value, from.stateDict().get(name)!, name);
    const state = new Map(from.stateDict());
    state.set("scale", zeros([2]));
    state.set("layers.0.weight", zeros([3, 2]));
    state.set("layers.0.bias", zeros([2], { dtype: "float64" }));
    state.set("extra", zeros([1]));
    state.delete("counter");
    const error = failure(() => to.loadStateDict(state));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toContain("missing counter");
    expect(error.message).toContain("unexpected extra");
    expect(error.message).toContain("layers.0.weight has shape [3, 2] instead of [2, 2]");
    expect(error.message).toContain("layers.0.bias has dtype float64 instead of float32");
    expect(numbers(to.scale)).toEqual([1, 1]);
  });

  test("strict: false takes what fits, cast: true converts", () => {
    const linear = new Linear(1, 1);
    linear.loadStateDict(new Map([["bias", tensor([4])]]), { strict: false });
    expect(numbers(linear.bias!)).toEqual([4]);
    const double = new Map([["bias", tensor([8], { dtype: "float64" })]]);
    linear.loadStateDict(double, { strict: false, cast: true });
    expect(numbers(linear.bias!)).toEqual([8]);
    expect(linear.bias!.dtype).toBe("float32");
  });
});

test("to converts in place: handles stay, and training goes on in the new dtype", () => {
  const model = new Sequential(new Conv2d(2, 3, 3), new SiLU());
  const [weight] = model.parameters();
  model.to({ dtype: "float64", memoryFormat: "channels_last" });
  expect(model.parameters()[0]).toBe(weight);
  expect(weight!.dtype).toBe("float64");
  expect(weight!.requiresGrad).toBe(true);
  model
    .forward(ones([1, 2, 4, 4], { dtype: "float64" }))
    .sum()
    .backward();
  expect(weight!.grad!.dtype).toBe("float64");
});

test("clone has weights of its own and the same settings", () => {
  const block = new Block();
  block.layers[0]!.weight.requiresGrad_(false);
  const copy = block.clone();
  expect(copy).toBeInstanceOf(Block);
  for (const [name, value] of copy.stateDict()) expectEqual(value, block.stateDict().get(name)!, name);
  expect(copy.layers[0]!.weight.requiresGrad).toBe(false);
  expect(copy.layers[1]!.weight.requiresGrad).toBe(true);
  expect(copy.settings).toEqual(block.settings);
  copy.scale.detach().zero_();
  copy.constant.zero_();
  expect(numbers(block.scale)).toEqual([1, 1]);
  expect(numbers(block.constant)).toEqual([5]);
});

test("parameters outlive the scope they were made in, and dispose releases them", () => {
  const model = scope(() => ({ model: new Block() })).model;
  expect(numbers(model.forward(zeros([1, 2])))).toHaveLength(2);
  model.dispose();
  expect(() => model.forward(zeros([1, 2]))).toThrow();
});

describe("dropout", () => {
  test("scales what it keeps, by a generator that can be repeated", () => {
    const dropout = new Dropout(0.25, { generator: new Generator(1) });
    const input = ones([1000]).requiresGrad_();
    const output = dropout.forward(input);
    const kept = numbers(output).filter((value) => value !== 0);
    expect(kept.every((value) => Math.abs(value - 4 / 3) < 1e-6)).toBe(true);
    expect(Math.abs(kept.length - 750)).toBeLessThan(60);
    output.sum().backward();
    expectEqual(input.grad, output.detach());
    const again = new Dropout(0.25, { generator: new Generator(1) });
    expectEqual(again.forward(ones([1000])), output.detach());
  });

  test("does nothing in evaluation, everything at p = 1, and refuses other p", () => {
    const input = randn([5]);
    expect(new Dropout(0.5).eval().forward(input)).toBe(input);
    expect(numbers(new Dropout(1, { generator: new Generator(0) }).forward(ones([3])))).toEqual([0, 0, 0]);
    expect(numbers(new Dropout(1).forward(ones([3])))).toEqual([0, 0, 0]);
    expect(() => new Dropout(1.5)).toThrow("p must be between 0 and 1");
  });
});

function failure(action: () => void): Error {
  try {
    action();
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing was thrown");
}
