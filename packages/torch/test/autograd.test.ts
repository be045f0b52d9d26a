import {
  autocast,
  backward,
  checkpoint,
  Generator,
  GroupNorm,
  gradient,
  inferenceMode,
  jvp,
  manualSeed,
  noGrad,
  OperatorError,
  ops,
  randn,
  type Tensor,
  tensor,
  zeros,
} from "@disback/torch";
import { describe, expect, test } from "vitest";

test("gradients of a closed form", () => {
  // f = sum(x^3): f' = 3 x^2, f'' = 6 x
  const x = tensor([1, 2, -3], { requiresGrad: true });
  const [first] = gradient([x.pow(3).sum()], [x], { createGraph: true });
  expect(first!.toArray()).toEqual([3, 12, 27]);
  const [second] = gradient([first!.sum()], [x]);
  expect(second!.toArray()).toEqual([6, 12, -18]);
  expect(x.grad).toBeUndefined();
});

test("a gradient injected at an inner tensor reaches the leaves", () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const inner = x.square();
  backward([inner], [tensor([10, 100])]);
  expect(x.grad!.toArray()).toEqual([20, 400]);
  x.square().sum().backward();
  expect(x.grad!.toArray()).toEqual([22, 404]);
});

test("unused inputs are undefined when allowed, an error otherwise", () => {
  const x = tensor([1], { requiresGrad: true });
  const y = tensor([1], { requiresGrad: true });
  expect(gradient([x.mul(2)], [x, y], { allowUnused: true })[1]).toBeUndefined();
  expect(() => gradient([x.mul(2)], [x, y])).toThrow(/not have been used/);
});

test("no graph in noGrad and inferenceMode, modes end with an error", () => {
  const x = tensor([1], { requiresGrad: true });
  expect(noGrad(() => x.mul(2).requiresGrad)).toBe(false);
  expect(inferenceMode(() => x.mul(2).requiresGrad)).toBe(false);
  expect(() => noGrad(() => x.add(zeros([2, 2]).reshape([3])))).toThrow();
  expect(x.mul(2).requiresGrad).toBe(true);
});

test("a checkpointed block gives the same values, gradients and dropout masks", () => {
  const generator = new Generator(3);
  const weight = randn([8, 8], { generator }).requiresGrad_();
  const input = randn([4, 8], { generator }).requiresGrad_();
  const block = (x: typeof input) => ops.dropout(x.matmul(weight).silu(), 0.5, true).matmul(weight);
  const run = (checkpointed: boolean) => {
    weight.grad = undefined;
    input.grad = undefined;
    manualSeed(7);
    const x = input.mul(2);
    const y = checkpointed ? checkpoint(block, x) : block(x);
    // The random stream goes on after the block as if nothing had happened.
    const after = ops.dropout(y, 0.5, true);
    after.square().sum().backward();
    return [after.data(), weight.grad!.data(), input.grad!.data()];
  };
  expect(run(true)).toEqual(run(false));
});

test("a checkpointed block runs again in the precision it ran in, also when the weight serves outside of it", () => {
  const generator = new Generator(5);
  const weight = randn([8, 8], { generator }).requiresGrad_();
  const input = randn([4, 8], { generator });
  const block = (x: typeof input) => x.matmul(weight).silu().matmul(weight);
  const run = (checkpointed: boolean) => {
    weight.grad = undefined;
    const loss = autocast({ dtype: "bfloat16" }, () => {
      const y = checkpointed ? checkpoint(block, input) : block(input);
      return y.matmul(weight).float().square().sum();
    });
    loss.backward();
    return [loss.data() as Float32Array, weight.grad!.data() as Float32Array] as const;
  };
  const [loss, gradients] = run(false);
  const [again, regained] = run(true);
  expect(again).toEqual(loss);
  // The weight's gradient is a sum, taken in another order.
  const largest = Math.max(...gradients.map(Math.abs));
  for (const [index, value] of regained.entries())
    expect(Math.abs(value - gradients[index]!)).toBeLessThan(0.01 * largest);
});

test("gradient() of checkpointed blocks touches no leaf's grad", () => {
  const weight = tensor([[1, 2]], { requiresGrad: true });
  const x = tensor([[3, 4]], { requiresGrad: true });
  const [found] = gradient([checkpoint((v) => v.mul(weight).square(), x).sum()], [x]);
  // d/dx (x w)^2 = 2 x w^2
  expect(found!.data()).toEqual(new Float32Array([6, 32]));
  expect([weight.grad, x.grad]).toEqual([undefined, undefined]);
  expect(() => gradient([checkpoint((v) => v.mul(weight), x).sum()], [weight])).toThrow(/not have been used/);
});

test("a checkpointed block without a graph just runs", () => {
  let runs = 0;
  const x = tensor([1, 2], { requiresGrad: true });
  const y = noGrad(() => checkpoint((v) => v.mul(++runs), x));
  expect([y.requiresGrad, runs]).toEqual([false, 1]);
});

test("an error inside a checkpointed block surfaces in backward", () => {
  const x = tensor([1, 2], { requiresGrad: true });
  let runs = 0;
  const y = checkpoint((v) => {
    if (runs++ > 0) throw new Error("second run");
    return v.mul(2);
  }, x);
  expect(() => y.sum().backward()).toThrow("second run");
  expect(() => x.mul(2).sum().backward()).not.toThrow();
});

test("autocast computes products in half precision and ends with its block", () => {
  const a = zeros([4, 4]).add(1);
  expect(autocast({ dtype: "bfloat16" }, () => a.matmul(a).dtype)).toBe("bfloat16");
  expect(a.matmul(a).dtype).toBe("float32");
});

test("an inner region of autocast ends without ending the outer one", () => {
  const a = zeros([4, 4]).add(1);
  autocast({ dtype: "bfloat16" }, () => {
    expect(autocast({ dtype: "float16" }, () => a.matmul(a).dtype)).toBe("float16");
    expect(a.matmul(a).dtype).toBe("bfloat16");
  });
  expect(a.matmul(a).dtype).toBe("float32");
});

describe("jvp", () => {
  const x = () => tensor([0.5, -1, 2]);

  test("is the product of Jacobian and tangent, without a graph", () => {
    const weight = randn([4, 3], { generator: new Generator(1) }).requiresGrad_();
    const along = tensor([1, 0.5, -2]);
    const f = (at: Tensor) => weight.matmul(at.square()).sin();
    const { value, tangent } = jvp(f, [x()], [along]);
    expect(value.toArray()).toEqual(f(x()).toArray());
    // d/dx sin(W x^2) v = cos(W x^2) * W (2 x v)
    const expected = weight
      .matmul(x().square())
      .cos()
      .mul(weight.matmul(x().mul(along).mul(2)));
    expect(tangent.sub(expected).abs().max().item()).toBeLessThan(1e-5);
    expect([value.requiresGrad, tangent.requiresGrad]).toEqual([false, false]);
  });

  test("takes several inputs, and can be called again", () => {
    for (let round = 0; round < 2; round++) {
      const { tangent } = jvp((a, b) => a.mul(b), [x(), x()], [tensor([1, 1, 1]), tensor([0, 1, 0])]);
      expect(tangent.toArray()).toEqual([0.5, -2, 2]);
    }
  });

  test("differentiates attention, and leaves it fused outside", () => {
    const generator = new Generator(2);
    const [q, k, v, along] = Array.from({ length: 4 }, () => randn([1, 2, 5, 8], { generator }));
    const attend = (query: Tensor) => ops.scaled_dot_product_attention(query, k!, v!);
    const before = attend(q!);
    const { tangent } = jvp(attend, [q!], [along!]);
    const step = along!.mul(1e-2);
    const difference = attend(q!.add(step))
      .sub(attend(q!.sub(step)))
      .div(2e-2);
    expect(tangent.sub(difference).abs().max().item()).toBeLessThan(1e-4);
    expect(attend(q!).toArray()).toEqual(before.toArray());
  });

  test("differentiates group normalization of any layout", () => {
    const generator = new Generator(3);
    const norm = new GroupNorm(2, 4);
    const [input, along] = [0, 1].map(() => randn([2, 3, 3, 4], { generator }));
    const f = (at: Tensor) => norm.forward(at.transpose(1, 3));
    const { tangent } = jvp(f, [input!], [along!]);
    const step = along!.mul(1e-2);
    const difference = f(input!.add(step))
      .sub(f(input!.sub(step)))
      .div(2e-2);
    expect(tangent.sub(difference).abs().max().item()).toBeLessThan(1e-3);
  });

  test("says what is wrong", () => {
    expect(() => jvp(() => x(), [x()], [x()])).toThrow(/does not depend/);
    expect(() => jvp((a) => a, [x()], [])).toThrow(/one tangent for each input: 0 for 1/);
    expect(() => jvp((a) => a, [x()], [tensor([1])])).toThrow(OperatorError);
    // The level was left.
    expect(jvp((a) => a.mul(2), [x()], [x()]).tangent.toArray()).toEqual([1, -2, 4]);
  });
});
