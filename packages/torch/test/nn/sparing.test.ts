import { expect, test } from "vitest";
import {
  Conv2d,
  checkpoint,
  Generator,
  GroupNorm,
  isStreamed,
  type LayerAdapter,
  Linear,
  Module,
  memoryStatistics,
  ops,
  randn,
  recomputed,
  scope,
  streamWeight,
  type Tensor,
  withAdapters,
} from "../../src/index.js";

const generator = new Generator(3);
const draw = (...shape: number[]) => randn(shape, { generator });
const difference = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item();

/** A frozen network: convolutions, a cheap function between them, a linear layer over the channels. */
class Network extends Module {
  readonly first = new Conv2d(4, 8, 3, { padding: 1, generator });
  readonly norm = new GroupNorm(2, 8);
  readonly second = new Conv2d(8, 8, 3, { padding: 1, stride: 2, generator });
  readonly last = new Linear(8, 6, { generator });

  constructor() {
    super();
    this.requiresGrad_(false);
  }

  forward(x: Tensor): Tensor {
    const active = (input: Tensor) => scope(() => ops.silu(this.norm.forward(input)));
    const tokens = (input: Tensor) => scope(() => ops.tanh(input.flatten(2).transpose(1, 2)));
    return scope(() => {
      const hidden = this.second.forward(recomputed(active, this.first.forward(x)));
      return this.last.forward(recomputed(tokens, hidden));
    });
  }
}

const network = new Network();
const x = draw(2, 4, 16, 16);
const factors = {
  second: [draw(3, 8, 3, 3).mul(0.3), draw(8, 3, 1, 1).mul(0.3)],
  last: [draw(2, 8).mul(0.3), draw(6, 2).mul(0.3)],
} satisfies Record<string, [Tensor, Tensor]>;
const trained = Object.values(factors).flat();

/** Adapters whose factors are leaves; on `second` and `last` unless others are named. */
function adaptersOn(names: readonly (keyof typeof factors)[] = ["second", "last"]) {
  const adapter =
    ([down, up]: readonly [Tensor, Tensor]): LayerAdapter =>
    (apply) =>
      up.ndim === 2 ? ops.linear(apply(down), up) : ops.conv2d(apply(down), up);
  return new Map<object, LayerAdapter>(
    names.map((name) => [network[name], adapter(factors[name] as [Tensor, Tensor])]),
  );
}

/** Result and gradients of a pass. */
function pass(run: (input: Tensor) => Tensor): Tensor[] {
  for (const weight of trained) {
    weight.requiresGrad_(true);
    weight.grad = undefined;
  }
  const input = x.clone().requiresGrad_(true);
  const result = run(input);
  result.square().mean().backward();
  return [result, input.grad!, ...trained.map((weight) => weight.grad!)];
}

/** The same by libtorch's own graph. */
function plainly(input: Tensor): Tensor {
  const { first, norm, second, last } = network;
  const active = ops.silu(
    ops.group_norm(
      ops.conv2d(input, first.weight, first.bias, [1, 1], [1, 1]),
      2,
      norm.weight,
      norm.bias,
      1e-5,
    ),
  );
  const [down, up] = factors.second;
  const hidden = ops
    .conv2d(active, second.weight, second.bias, [2, 2], [1, 1])
    .add(ops.conv2d(ops.conv2d(active, down!, null, [2, 2], [1, 1]), up!));
  const tokens = ops.tanh(hidden.flatten(2).transpose(1, 2));
  const [lower, upper] = factors.last;
  return ops.linear(tokens, last.weight, last.bias).add(ops.linear(ops.linear(tokens, lower!), upper!));
}

test("what a pass with adapters does not keep changes neither results nor gradients", () => {
  const expected = pass(plainly);
  const own = pass((input) => withAdapters(adaptersOn(), () => network.forward(input)));
  const again = pass((input) =>
    withAdapters(adaptersOn(), () => checkpoint((inner) => network.forward(inner), input)),
  );
  expected.forEach((value, index) => {
    expect(difference(own[index]!, value), `${index}`).toBeLessThan(1e-6);
    expect(difference(again[index]!, own[index]!), `${index} checkpointed`).toBe(0);
    expect(value.abs().max().item()).toBeGreaterThan(1e-4);
  });
});

test("a graph keeps neither inputs of frozen convolutions nor what can be made again", () => {
  const kept = (run: (input: Tensor) => Tensor) =>
    scope(() => {
      const input = x.clone().requiresGrad_(true);
      const before = memoryStatistics().live;
      const result = scope(() => run(input));
      const bytes = memoryStatistics().live - before;
      result.sum().backward();
      return bytes;
    });
  const map = 2 * 8 * 16 * 16 * 4;
  const all = kept((input) => withAdapters(adaptersOn(), () => network.forward(input)));
  const plain = kept(plainly);
  // The normalized and the activated tensor, each a map of the first resolution.
  expect(plain - all).toBeGreaterThan(1.9 * map);
});

test("streamed weights are fetched for each use, on the way back too, and change no bit", () => {
  const run = (input: Tensor) => withAdapters(adaptersOn(["last"]), () => network.forward(input));
  const before = pass(run);
  const plainBefore = network.forward(x);
  let fetched = 0;
  const layers = [network.first, network.second, network.last];
  for (const { weight } of layers) {
    const stored = weight.detach().clone();
    // What lies in its place is never read.
    weight.detach().fill_(Number.NaN);
    const fetch = () => {
      fetched++;
      return stored.clone();
    };
    streamWeight(weight, { device: "cpu", fetch });
    expect(isStreamed(weight)).toBe(true);
  }
  const after = pass(run);
  // `factors.second` are not used here, so they have no gradients.
  before.forEach((value, index) => {
    if (value) expect(difference(value, after[index]!), `${index}`).toBe(0);
  });
  expect(fetched).toBe(2 * layers.length);
  expect(difference(network.forward(x), plainBefore)).toBe(0);
  // Without adapters, the graph holds no weight either.
  fetched = 0;
  const input = x.clone().requiresGrad_(true);
  network.forward(input).sum().backward();
  expect(fetched).toBe(2 * layers.length);
  expect(() => streamWeight(trained[0]!, { device: "cpu", fetch: () => trained[0]! })).toThrow("frozen");
});
