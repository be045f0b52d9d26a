import { describe, expect, it } from "vitest";
import {
  Adam,
  CapturedStep,
  defaultGenerator,
  drawInteger,
  fromTypedArray,
  Generator,
  Linear,
  memoryStatistics,
  noGrad,
  ones,
  ops,
  rand,
  randint,
  randn,
  resetPeakMemory,
  scope,
  type Tensor,
  zeros,
} from "../src/index.js";

/** Two plain runs come before the capture. */
const CAPTURED = 2;

describe("random numbers", () => {
  const sources = () => {
    const own = new Generator(5);
    return { own, part: own.sharing({ index: 1, count: 2 }), standard: defaultGenerator() };
  };
  const draw = ({ own, part }: ReturnType<typeof sources>) => ({
    normal: randn([3, 4], { generator: own }),
    uniform: rand([5], { generator: part, dtype: "float64" }),
    whole: randint(2, 90, [4], { generator: own }),
    standard: rand([2]),
    after: randn([2], { generator: own }).mul_(2),
    read: drawInteger(0, 3, { generator: own }),
  });
  const values = (drawn: ReturnType<typeof draw>) =>
    Object.values<Tensor | number>(drawn).map((value) =>
      typeof value === "number" ? value : value.toArray(),
    );

  it("are those that a plain step draws, bit for bit, step after step", () => {
    const steps = (run: (step: () => ReturnType<typeof draw>) => Record<string, Tensor | number>) => {
      const from = sources();
      from.standard.manualSeed(9);
      return Array.from({ length: 12 }, () =>
        scope(() => values(run(() => draw(from)) as ReturnType<typeof draw>)),
      );
    };
    const captured = new CapturedStep("cpu");
    const plain = steps((step) => step());
    expect(steps((step) => captured.run([], step))).toEqual(plain);
    expect(new Set(plain.map((step) => step.at(-1))).size).toBe(3);
    captured.dispose();
  });

  it("go on from a generator's state that was set in between", () => {
    const generator = new Generator(1);
    const captured = new CapturedStep<"x">("cpu");
    const next = () => (captured.run([], () => ({ x: randn([2], { generator }) })).x as Tensor).toArray();
    for (let i = 0; i < 5; i++) next();
    const state = generator.getState();
    const first = [next(), next()];
    generator.setState(state);
    expect([next(), next()]).toEqual(first);
  });

  it("that a step draws only sometimes are refused", () => {
    const captured = new CapturedStep("cpu");
    let more = false;
    const step = () => ({ x: randn([more ? 3 : 2]) });
    captured.run([], step);
    more = true;
    expect(() => captured.run([], step)).toThrow(
      /draws other random numbers than in its first run: randn \[3\]/,
    );
  });
});

describe("a training step", () => {
  const make = () => {
    const network = new Linear(4, 3, { generator: new Generator(1) });
    const optimizer = new Adam(network.parameters(), { lr: 0.1 });
    const generator = new Generator(2);
    let calls = 0;
    const step = () => {
      calls++;
      optimizer.zeroGrad();
      const x = randn([8, 4], { generator });
      const loss = ops.dropout(network.forward(x), 0.3, true).square().mean();
      loss.backward();
      optimizer.step();
      optimizer.zeroGrad();
      return { loss, constant: 7 };
    };
    const weights = () => network.parameters().map((weight) => weight.data());
    return { network, step, weights, calls: () => calls };
  };
  const loss = (figures: Record<string, Tensor | number>) => (figures.loss as Tensor).item();

  it("replays without JavaScript and trains as the plain one, bit for bit", () => {
    const [plain, replayed] = [make(), make()];
    const captured = new CapturedStep("cpu");
    for (let i = 0; i < 8; i++) {
      defaultGenerator().manualSeed(i);
      const expected = scope(() => loss(plain.step()));
      defaultGenerator().manualSeed(i);
      const found = captured.run([], replayed.step);
      expect([loss(found), found.constant]).toEqual([expected, 7]);
      expect(replayed.weights()).toEqual(plain.weights());
    }
    expect([plain.calls(), replayed.calls()]).toEqual([8, CAPTURED + 1]);
    captured.dispose();
  });

  it("sees weights that are changed in place, and is captured anew for other circumstances", () => {
    const x = zeros([2]);
    let factor = 2;
    let calls = 0;
    const step = () => {
      calls++;
      return { y: x.mul(factor) };
    };
    const captured = new CapturedStep<"y">("cpu");
    const run = () => (captured.run([factor], step).y as Tensor).toArray();
    for (let i = 0; i < 5; i++) run();
    noGrad(() => x.fill_(3));
    expect([run(), calls]).toEqual([[6, 6], 3]);
    factor = 5;
    expect([run(), calls]).toEqual([[15, 15], 4]);
    captured.dispose();
  });
});

describe("what cannot be captured", () => {
  const generator = new Generator(3);
  const outside = randn([4], { generator });
  const steps: [string, RegExp, () => unknown][] = [
    ["item", /cannot read values back \(aten::_local_scalar_dense\)/, () => outside.sum().item()],
    ["data", /cannot read values back/, () => outside.add(1).data()],
    ["nonzero", /cannot read values back \(aten::nonzero\)/, () => ops.nonzero(outside)],
    [
      "a mask as index",
      /cannot read values back \(aten::index with a mask\)/,
      () => outside.at(outside.gt(0)),
    ],
    ["equal", /cannot read values back \(aten::equal\)/, () => outside.equal(outside)],
    ["is_nonzero", /cannot read values back/, () => ops.is_nonzero(outside.sum())],
    [
      "masked_select",
      /cannot read values back \(aten::masked_select\)/,
      () => ops.masked_select(outside, outside.gt(0)),
    ],
    ["numbers", /cannot make tensors of JavaScript's numbers/, () => fromTypedArray(Float32Array.of(1), [1])],
    ["a generator's state", /cannot read or set the state of a generator/, () => generator.getState()],
    [
      "other draws",
      /cannot draw from a generator by itself \(aten::normal_\)/,
      () => ops.normal_(outside.clone(), 0, 1, generator),
    ],
  ];

  it.each(steps)("%s", (_, message, step) => {
    const captured = new CapturedStep("cpu");
    let fails = true;
    const run = () =>
      captured.run([], () => {
        if (fails) step();
        return { x: outside.mul(2) };
      });
    for (let i = 0; i < CAPTURED; i++) run();
    expect(run).toThrow(message);
    // Nothing is left of the attempt.
    expect(outside.sum().item()).toBeTypeOf("number");
    fails = false;
    for (let i = 0; i < 2; i++) expect((run().x as Tensor).toArray()).toEqual(outside.mul(2).toArray());
    captured.dispose();
  });

  it("in a backward pass is refused too", () => {
    const captured = new CapturedStep("cpu");
    const step = () => {
      const x = outside.detach().requiresGrad_();
      ops.prod(x).backward();
      return { gradient: x.grad! };
    };
    for (let i = 0; i < CAPTURED; i++) captured.run([], step);
    expect(() => captured.run([], step)).toThrow(/cannot read values back/);
    captured.dispose();
  });
});

it.each([
  ["disposes of itself", (self: CapturedStep<"x">) => self.dispose()],
  ["forgets itself", (self: CapturedStep<"x">) => self.forget()],
  ["runs itself", (self: CapturedStep<"x">) => self.run([], () => ({ x: 1 }))],
])("a step that %s is refused, in plain runs and in the capture", (_, misuse) => {
  const captured = new CapturedStep<"x">("cpu");
  const value = ones([2]);
  let fails = true;
  const run = () =>
    captured.run([], () => {
      if (fails) misuse(captured);
      return { x: value.add(1) };
    });
  expect(run).toThrow(/cannot be run or released by itself/);
  fails = false;
  for (let i = 0; i < CAPTURED; i++) run();
  fails = true;
  expect(run).toThrow(/cannot be run or released by itself/);
  fails = false;
  for (let i = 0; i < 2; i++) expect((run().x as Tensor).toArray()).toEqual([2, 2]);
  captured.dispose();
});

it("a device without graphs is refused", () => {
  expect(() => new CapturedStep("meta")).toThrow(/meta/);
});

describe("a step that need not be captured", () => {
  const runs = (step: () => { x: Tensor | number }, count: number) => {
    const captured = new CapturedStep<"x">("cpu", { required: false });
    const seen = Array.from({ length: count }, () =>
      scope(() => {
        const { x } = captured.run([], step);
        return typeof x === "number" ? x : x.item();
      }),
    );
    captured.dispose();
    return { seen, obstacle: captured.obstacle };
  };
  const generator = () => new Generator(7);

  it("stays plain if it reads values, and says so", () => {
    const step = (random: Generator) => () => ({
      x: rand([3], { generator: random }).sum().item() as number,
    });
    const [plainly, random] = [generator(), generator()];
    const { seen, obstacle } = runs(step(random), 6);
    expect(obstacle).toMatch(/^read values back/);
    expect(seen).toEqual(Array.from({ length: 6 }, () => step(plainly)().x));
  });

  it("stays plain if its numbers change from run to run", () => {
    let count = 0;
    const { seen, obstacle } = runs(() => ({ x: ones([2]).mul(++count).sum() }), 8);
    expect(obstacle).toMatch(/other numbers/);
    expect(seen).toEqual([2, 4, 6, 8, 10, 12, 14, 16]);
  });

  it("stays plain if dropout and the step draw from the default generator in turn", () => {
    const step = () => ({
      x: ops
        .dropout(rand([16]), 0.5, true)
        .sum()
        .add(rand([1]).sum()),
    });
    const plain = () => scope(() => step().x.item());
    const standard = defaultGenerator();
    standard.manualSeed(3);
    const expected = Array.from({ length: 6 }, plain);
    standard.manualSeed(3);
    const { seen, obstacle } = runs(step, 6);
    expect(obstacle).toMatch(/default generator/);
    expect(seen.slice(2)).toEqual(expected.slice(2));
  });

  it("is captured once its calls settle", () => {
    let count = 0;
    const once = () => (++count < 4 ? ones([2]).mul(count) : ones([2]).mul(9));
    const { seen, obstacle } = runs(() => ({ x: once().sum() }), 8);
    expect(obstacle).toBeUndefined();
    expect(seen).toEqual([2, 4, 6, 18, 18, 18, 18, 18]);
    expect(count).toBe(5);
  });
});

it("a replay frees what it no longer needs", () => {
  const captured = new CapturedStep<"x">("cpu");
  const size = 1 << 18;
  const held = () => memoryStatistics().live;
  const run = () => {
    let x = ones([size]);
    for (let i = 0; i < 20; i++) x = x.mul(1.5);
    return { x: x.sum() };
  };
  for (let i = 0; i < 3; i++) scope(() => captured.run([], run));
  const before = held();
  resetPeakMemory();
  scope(() => captured.run([], run));
  expect(memoryStatistics().peak - before).toBeLessThan(4 * 4 * size);
  expect(held()).toBe(before);
  captured.dispose();
});
