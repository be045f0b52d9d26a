import {
  Adam,
  type AdamOptions,
  AdamW,
  clipGradNorm,
  EMA,
  type EMAOptions,
  Linear,
  linearWarmup,
  memoryStatistics,
  ones,
  replaceNonFiniteGradients,
  Sequential,
  SiLU,
  scope,
  type Tensor,
  TorchError,
  tensor,
  zeros,
} from "@disback/torch";
import { describe, expect, test } from "vitest";
import { expectClose, expectEqual, Fixture, numbers } from "../fixture.js";

const fixture = new Fixture("optimizers.safetensors");
const inputs = fixture.get("inputs");
const targets = fixture.get("targets");
const checkedSteps = [0, 9, 99];

describe("100 steps agree with PyTorch", () => {
  const cases: [string, typeof Adam, AdamOptions][] = [
    ["adam", Adam, { lr: 1e-2 }],
    ["adamDecay", Adam, { lr: 1e-2, betas: [0, 0.99], eps: 1e-6, weightDecay: 0.1 }],
    ["adamw", AdamW, { lr: 1e-2 }],
    ["adamwDecay", AdamW, { lr: 3e-2, betas: [0.8, 0.95], weightDecay: 0.2 }],
  ];

  test.each(cases)("%s", (name, Optimizer, options) => {
    const model = network();
    const optimizer = new Optimizer(model.parameters(), options);
    for (let step = 0; step < 100; step++) {
      train(model, optimizer, step, name);
      compare(model, name, step);
    }
  });

  test("clipped", () => {
    const model = network();
    const optimizer = new Adam(model.parameters(), { lr: 1e-2 });
    const norms = numbers(fixture.get("clipped.norms"));
    for (let step = 0; step < 100; step++) {
      train(model, optimizer, step, "clipped", () => {
        const norm = clipGradNorm(model.parameters(), 0.3) as Tensor;
        expect(norm.item()).toBeCloseTo(norms[step]!, 4);
      });
      compare(model, "clipped", step);
    }
  });

  test("scheduled", () => {
    const model = network();
    const optimizer = new Adam(model.parameters(), { lr: 1e-2 });
    const schedule = linearWarmup(20);
    for (let step = 0; step < 100; step++) {
      optimizer.lr = 1e-2 * schedule(step);
      train(model, optimizer, step, "scheduled");
      compare(model, "scheduled", step);
    }
  });
});

describe("averages agree with PyTorch over 100 steps", () => {
  const cases: [string, EMAOptions][] = [
    ["constant", { decay: 0.9 }],
    ["halfLife", { halfLife: 200 }],
    ["rampUp", { halfLife: 200, rampUp: 0.5 }],
    ["power", { gamma: 6.94 }],
  ];

  test.each(cases)("%s", (name, options) => {
    const model = network();
    const optimizer = new Adam(model.parameters(), { lr: 1e-2 });
    const average = new EMA(model, options);
    for (let step = 0; step < 100; step++) {
      train(model, optimizer, step, "averaged");
      average.update({ batchSize: 8 });
      compare(average.module, name, step);
    }
  });
});

test("saved and restored, training goes on bit for bit", () => {
  const [model, other] = [network(), network()];
  const optimizer = new AdamW(model.parameters(), { lr: 1e-2 });
  const average = new EMA(model, { halfLife: 200, rampUp: 0.5 });
  const step = (index: number, net: Sequential, adam: Adam, ema: EMA<Sequential>) => {
    train(net, adam, index);
    ema.update({ batchSize: 8 });
  };
  for (let index = 0; index < 10; index++) step(index, model, optimizer, average);
  const resumed = new AdamW(other.parameters());
  const resumedAverage = new EMA(other, { halfLife: 200, rampUp: 0.5 });
  other.loadStateDict(model.stateDict());
  resumed.loadState(optimizer.state());
  resumedAverage.loadState(average.state());
  for (let index = 10; index < 20; index++) {
    step(index, model, optimizer, average);
    step(index, other, resumed, resumedAverage);
  }
  for (const [key, value] of model.stateDict()) expectEqual(other.stateDict().get(key), value, key);
  const averaged = resumedAverage.module.stateDict();
  for (const [key, value] of average.module.stateDict()) expectEqual(averaged.get(key), value, key);
});

test("with beta1 = 0 no first moments are kept, and those of a saved state are not needed", () => {
  const [model, other] = [network(), network()];
  const options: AdamOptions = { lr: 1e-2, betas: [0, 0.99] };
  const optimizer = new Adam(model.parameters(), options);
  for (let index = 0; index < 5; index++) train(model, optimizer, index);
  const { tensors, values } = optimizer.state();
  expect([...tensors.keys()].filter((key) => key.endsWith(".exp_avg"))).toEqual([]);
  const kept = new Map([...tensors, ...model.parameters().map((one, i) => [`${i}.exp_avg`, one] as const)]);
  const resumed = new Adam(other.parameters(), options);
  other.loadStateDict(model.stateDict());
  resumed.loadState({ tensors: kept, values });
  train(model, optimizer, 5);
  train(other, resumed, 5);
  for (const [key, value] of model.stateDict()) expectEqual(other.stateDict().get(key), value, key);
});

test("parameters without a gradient are left alone", () => {
  const model = new Sequential(new Linear(2, 2), new Linear(2, 2));
  const before = [...model.stateDict()].map(([, value]) => value.detach().clone());
  const optimizer = new Adam(model.parameters());
  optimizer.step();
  expect(numbers(optimizer.state().tensors.get("0.step")!)).toEqual([0]);
  ones([2]).mul(model.parameters()[1]!).sum().backward();
  optimizer.step();
  [...model.stateDict().values()].forEach((value, index) => {
    if (index === 1) expect(numbers(value)).not.toEqual(numbers(before[1]!));
    else expectEqual(value, before[index]!);
  });
});

test("a step leaves no tensors behind, and dispose releases the moments", () => {
  const model = network();
  const before = memoryStatistics().tensors;
  const optimizer = new AdamW(model.parameters());
  const average = new EMA(model, { decay: 0.9 });
  train(model, optimizer, 0);
  average.update();
  const after = memoryStatistics().tensors;
  for (let step = 1; step < 20; step++) {
    train(model, optimizer, step, undefined, () => {
      clipGradNorm(model.parameters(), 0.1);
      replaceNonFiniteGradients(model.parameters());
    });
    average.update();
  }
  expect(memoryStatistics().tensors).toBe(after);
  optimizer.dispose();
  average.dispose();
  expect(memoryStatistics().tensors).toBe(before);
});

test("a parameter that was disposed is noticed", () => {
  const model = network();
  const optimizer = new Adam(model.parameters());
  const average = new EMA(model, { decay: 0.9 });
  train(model, optimizer, 0);
  model.parameters()[0]!.dispose();
  // The next tensor gets the handle that became free.
  const other = ones([1]);
  expect(() => optimizer.step()).toThrow("disposed");
  expect(() => optimizer.zeroGrad()).toThrow("disposed");
  expect(() => average.update()).toThrow("disposed");
  expect(other.item()).toBe(1);
});

test("moments live on when their scope ends", () => {
  const weight = scope(() => ones([2])).requiresGrad_();
  const optimizer = new Adam([weight], { lr: 0.1 });
  for (let step = 0; step < 3; step++) {
    scope(() => {
      optimizer.zeroGrad();
      weight.square().sum().backward();
      optimizer.step();
    });
  }
  expect(optimizer.state().tensors.get("0.step")!.item()).toBe(3);
});

test("averages of half-precision weights are float32; buffers are copied", () => {
  const model = network().to({ dtype: "bfloat16" });
  const average = new EMA(model, { decay: 0.999 });
  expect(average.module.parameters().every((weight) => weight.dtype === "float32")).toBe(true);
  const before = numbers(average.module.parameters()[0]!);
  model.parameters()[0]!.detach().add_(1);
  average.update();
  expect(numbers(average.module.parameters()[0]!)[0]! - before[0]!).toBeCloseTo(0.001, 4);
});

test("non-finite gradients are replaced", () => {
  const weight = zeros([4]).requiresGrad_();
  weight.grad = tensor([NaN, Infinity, -Infinity, 2]);
  replaceNonFiniteGradients([weight, zeros([1])]);
  expect(numbers(weight.grad!)).toEqual([0, 1e5, -1e5, 2]);
  replaceNonFiniteGradients([weight], { positiveInfinity: 1 });
});

test("clipping without gradients, and below the limit, changes nothing", () => {
  expect(clipGradNorm([zeros([1])], 1)).toBe(0);
  const weight = zeros([2]).requiresGrad_();
  weight.grad = tensor([3, 4]);
  expect((clipGradNorm([weight], 10) as Tensor).item()).toBeCloseTo(5);
  expect(numbers(weight.grad!)).toEqual([3, 4]);
});

test("options out of range are named", () => {
  const weights = [zeros([1]).requiresGrad_()];
  expect(() => new Adam([])).toThrow("Adam: no parameters");
  expect(() => new Adam(weights, { lr: -1 })).toThrow("Adam: lr is out of range: -1");
  expect(() => new AdamW(weights, { betas: [0.9, 1] })).toThrow("AdamW: betas is out of range: 0.9,1");
  const model = new Linear(1, 1);
  expect(() => new EMA(model, {})).toThrow(TorchError);
  expect(() => new EMA(model, { decay: 0.9, gamma: 2 })).toThrow("exactly one of");
  expect(() => new EMA(model, { decay: 1.5 })).toThrow("EMA: decay is out of range: 1.5");
  expect(() => new EMA(model, { decay: 0.5, rampUp: 0.1 })).toThrow("rampUp belongs to halfLife");
});

function network(): Sequential {
  const model = new Sequential(new Linear(4, 6), new SiLU(), new Linear(6, 3));
  model.loadStateDict(fixture.under("initial."));
  return model;
}

function train(model: Sequential, optimizer: Adam, step: number, name?: string, before?: () => void): void {
  scope(() => {
    const rows = [8 * step, 8] as const;
    optimizer.zeroGrad();
    const loss = model
      .forward(inputs.narrow(0, ...rows))
      .sub(targets.narrow(0, ...rows))
      .square()
      .mean();
    if (name) expect(loss.item()).toBeCloseTo(fixture.get(`${name}.losses`).select(0, step).item(), 4);
    loss.backward();
    before?.();
    optimizer.step();
  });
}

function compare(model: Sequential, name: string, step: number): void {
  if (!checkedSteps.includes(step)) return;
  for (const [key, value] of model.namedParameters()) {
    expectClose(value, fixture.get(`${name}.${step}.${key}`), 2e-5, `${name} step ${step} ${key}`);
  }
}
