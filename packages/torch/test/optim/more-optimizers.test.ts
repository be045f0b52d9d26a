import {
  CheckpointError,
  Linear,
  Lion,
  memoryStatistics,
  type Optimizer,
  ones,
  RMSprop,
  Sequential,
  SGD,
  SiLU,
  scope,
  type Tensor,
  zeros,
} from "@disback/torch";
import { expect, test } from "vitest";
import { expectClose, expectEqual, Fixture } from "../fixture.js";

const problem = new Fixture("optimizers.safetensors");
const fixture = new Fixture("more_optimizers.safetensors");

const cases: [name: string, make: (parameters: Tensor[]) => Optimizer][] = [
  ["sgd", (weights) => new SGD(weights, { lr: 0.1 })],
  [
    "sgdMomentum",
    (weights) => new SGD(weights, { lr: 0.05, momentum: 0.9, dampening: 0.1, weightDecay: 0.01 }),
  ],
  ["sgdNesterov", (weights) => new SGD(weights, { lr: 0.05, momentum: 0.8, nesterov: true })],
  ["rmsprop", (weights) => new RMSprop(weights)],
  [
    "rmspropAll",
    (weights) =>
      new RMSprop(weights, { alpha: 0.9, eps: 1e-6, weightDecay: 0.1, momentum: 0.5, centered: true }),
  ],
  ["lion", (weights) => new Lion(weights, { lr: 1e-3 })],
  ["lionDecay", (weights) => new Lion(weights, { lr: 3e-3, betas: [0.8, 0.95], weightDecay: 0.5 })],
];

test.each(cases)("%s: 30 steps are PyTorch's, also with a pause in between", (name, make) => {
  const [model, other] = [network(), network()];
  let optimizer = make(model.parameters());
  for (let step = 0; step < 30; step++) {
    if (step === 7) {
      const resumed = make(other.parameters());
      other.loadStateDict(model.stateDict());
      resumed.loadState(optimizer.state());
      train(other, resumed, step);
      train(model, optimizer, step);
      for (const [key, value] of model.stateDict()) expectEqual(other.stateDict().get(key), value, key);
      optimizer.dispose();
      optimizer = make(model.parameters());
      optimizer.loadState(resumed.state());
      continue;
    }
    train(model, optimizer, step);
    if (![0, 9, 29].includes(step)) continue;
    for (const [key, value] of model.namedParameters())
      expectClose(value, fixture.get(`${name}.${step}.${key}`), 1e-5, `${name} step ${step} ${key}`);
  }
});

test.each(cases)("%s leaves no tensors behind, and gradients as they were", (_, make) => {
  const model = network();
  const before = memoryStatistics().tensors;
  const optimizer = make(model.parameters());
  train(model, optimizer, 0);
  const after = memoryStatistics().tensors;
  for (let step = 1; step < 5; step++) train(model, optimizer, step);
  expect(memoryStatistics().tensors).toBe(after);
  optimizer.dispose();
  expect(memoryStatistics().tensors).toBe(before);
});

test("the gradient itself is not changed", () => {
  const weight = ones([2]).requiresGrad_();
  const optimizer = new SGD([weight], { lr: 1, momentum: 0.5, weightDecay: 1 });
  for (let step = 0; step < 2; step++) {
    weight.grad = ones([2]);
    optimizer.step();
    expect(weight.grad!.toArray()).toEqual([1, 1]);
  }
  // First 1 + 1: v = 2, w = -1. Then 1 - 1: v = 0.5 * 2, w = -2.
  expect(weight.toArray()).toEqual([-2, -2]);
});

test("states of other parameters and options out of range are refused", () => {
  const optimizer = new SGD([zeros([2]).requiresGrad_()], { momentum: 0.9 });
  const load = (key: string, tensor: Tensor) => () =>
    optimizer.loadState({ tensors: new Map([[key, tensor]]), values: { lr: 1 } });
  expect(load("1.momentum_buffer", zeros([2]))).toThrow(
    'SGD: the state\'s "1.momentum_buffer" belongs to no',
  );
  expect(load("0.exp_avg", zeros([2]))).toThrow(CheckpointError);
  expect(load("0.momentum_buffer", zeros([3]))).toThrow("has shape [3] instead of [2]");
  expect(() => new SGD([])).toThrow("SGD: no parameters");
  const weights = [zeros([1])];
  expect(() => new SGD(weights, { nesterov: true })).toThrow("needs momentum");
  expect(() => new RMSprop(weights, { alpha: 1 })).toThrow("RMSprop: alpha is out of range: 1");
  expect(() => new Lion(weights, { lr: -1 })).toThrow("Lion: lr is out of range: -1");
});

function network(): Sequential {
  const model = new Sequential(new Linear(4, 6), new SiLU(), new Linear(6, 3));
  model.loadStateDict(problem.under("initial."));
  return model;
}

function train(model: Sequential, optimizer: Optimizer, step: number): void {
  scope(() => {
    const rows = [8 * step, 8] as const;
    optimizer.zeroGrad();
    const output = model.forward(problem.get("inputs").narrow(0, ...rows));
    output
      .sub(problem.get("targets").narrow(0, ...rows))
      .square()
      .mean()
      .backward();
    optimizer.step();
  });
}
