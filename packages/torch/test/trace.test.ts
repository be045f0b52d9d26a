import { Linear, ops, randn, tensor, trace, zeros } from "@disback/torch";
import { expect, test } from "vitest";

test("only what depends on the inputs is traced; the rest is a constant", () => {
  const weight = tensor([2, 3]);
  const { inputs, calls, outputs } = trace((x) => x.mul(weight.add(1)).sum(0), randn([4, 2]));
  expect(calls.map(({ operator }) => operator)).toEqual(["aten::mul.Tensor", "aten::sum.dim_IntList"]);
  const [product, sum] = calls;
  expect(product!.arguments["self"]).toBe(inputs[0]);
  expect(product!.arguments["other"]).toMatchObject({ shape: [2], dtype: "float32" });
  expect((product!.arguments["other"] as { constant: typeof weight }).constant.toArray()).toEqual([3, 4]);
  expect(sum!.arguments).toMatchObject({ self: product!.results[0], dim: [0], keepdim: false });
  expect(outputs).toEqual([sum!.results[0]]);
});

test("in-place calls make new values, and released handles are not mistaken for later tensors", () => {
  const layer = new Linear(3, 3);
  const { calls } = trace(
    (x) => {
      for (let i = 0; i < 3; i++) layer.forward(x).dispose();
      return layer.forward(x).add_(x).mul_(0.5);
    },
    randn([2, 3]),
  );
  const [add, scale] = calls.slice(-2);
  expect(add!.arguments["self"]).toBe(calls[3]!.results[0]);
  expect(scale!.arguments["self"]).toBe(add!.results[0]);
  expect(new Set(calls.flatMap(({ results }) => results)).size).toBe(calls.length);
});

test("lists of tensors and several results", () => {
  const { calls } = trace((x) => ops.cat(x.chunk(2, 1).reverse(), 1), randn([2, 6]));
  expect(calls[0]!.results.map(({ shape }) => shape)).toEqual([
    [2, 3],
    [2, 3],
  ]);
  expect(calls[1]!.arguments["tensors"]).toEqual([...calls[0]!.results].reverse());
});

test("what a trace cannot follow is refused", () => {
  expect(() => trace((x) => x.mul(randn([2])), zeros([2]))).toThrow(/aten::randn\S* draws random numbers/);
  expect(() => trace((x) => x.mul(x.sum().item()), zeros([2]))).toThrow("aten::item reads values");
  expect(() => trace((x) => zeros([2]).add_(x), zeros([2]))).toThrow("changes a constant in place");
  const throughView = trace.bind(null, (x) => {
    const sum = x.add(1);
    sum.narrow(0, 0, 1).mul_(2);
    return sum;
  });
  expect(() => throughView(zeros([2]))).toThrow("changed in place through a view");
  expect(trace((x) => x.neg(), zeros([2])).calls).toHaveLength(1);
});
