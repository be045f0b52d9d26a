import {
  autocast,
  call,
  Generator,
  GroupNorm,
  getNumThreads,
  gradient,
  jvp,
  noGrad,
  OperatorError,
  ops,
  randn,
  setNumThreads,
  type Tensor,
} from "@disback/torch";
import { describe, expect, test } from "vitest";

type Layout = "contiguous" | "channels_last";

const kernel = (x: Tensor, groups: number, weight: Tensor, bias: Tensor, eps: number): Tensor =>
  call("disback::group_norm", "", x, groups, weight, bias, eps, true) as Tensor;
const plain = (x: Tensor, groups: number, weight: Tensor, bias: Tensor, eps: number): Tensor =>
  call("disback::group_norm", "", x, groups, weight, bias, eps, false) as Tensor;
const reference = (x: Tensor, groups: number, weight: Tensor, bias: Tensor, eps: number): Tensor =>
  ops.silu(ops.group_norm(x, groups, weight, bias, eps));

/** Input far from 0, affine parameters and a gradient of the result. */
function draw(shape: number[], layout: Layout = "contiguous"): [x: Tensor, w: Tensor, b: Tensor, g: Tensor] {
  const generator = new Generator(5);
  const x = randn(shape, { generator }).mul(3).add(7);
  const [weight, bias] = [randn([shape[1]!], { generator }), randn([shape[1]!], { generator })];
  return [x.contiguous(layout), weight, bias, randn(shape, { generator }).contiguous(layout)];
}

function withGradients(f: typeof kernel, groups: number, eps: number, given: Tensor[]): Tensor[] {
  const [x, weight, bias] = given.slice(0, 3).map((tensor) => tensor.detach().requiresGrad_(true));
  const y = f(x!, groups, weight!, bias!, eps);
  const sources = [x!, weight!, bias!];
  return [y, ...(gradient([y], sources, { gradOutputs: [given[3]!] }) as Tensor[])];
}

function difference(a: Tensor, b: Tensor): number {
  return a.double().sub(b).abs().max().item() / b.abs().max().item();
}

const shapes: [shape: number[], groups: number][] = [
  [[2, 12, 5, 7], 3],
  [[3, 64, 16, 16], 16],
  [[2, 24, 33, 3], 6],
  [[2, 7, 3, 5], 7],
  [[2, 44, 4, 4], 11],
  [[1, 4, 1, 1], 1],
  [[1, 64, 40, 40], 16],
];

describe.each<Layout>(["contiguous", "channels_last"])("%s", (layout) => {
  test.each(shapes)(
    "values and gradients of %j in %i groups are those of libtorch in float64",
    (shape, groups) => {
      const given = draw(shape, layout);
      const exact = withGradients(
        reference,
        groups,
        1e-4,
        given.map((tensor) => tensor.double()),
      );
      const ours = withGradients(kernel, groups, 1e-4, given);
      ours.forEach((tensor, i) => {
        expect(difference(tensor, exact[i]!), `result ${i}`).toBeLessThan(3e-6);
      });
      const exactPlain = withGradients(
        ops.group_norm,
        groups,
        1e-4,
        given.map((tensor) => tensor.double()),
      );
      withGradients(plain, groups, 1e-4, given).forEach((tensor, i) => {
        expect(difference(tensor, exactPlain[i]!), `result ${i} without SiLU`).toBeLessThan(3e-6);
      });
      expect(ours[0]!.isContiguous(layout)).toBe(true);
      expect(ours[1]!.isContiguous(layout)).toBe(true);
    },
  );

  test("a gradient in the other layout, and values without a graph", () => {
    const given = draw([2, 8, 6, 6], layout);
    const other = layout === "contiguous" ? "channels_last" : "contiguous";
    const results = withGradients(kernel, 2, 1e-5, given);
    const turned = withGradients(kernel, 2, 1e-5, [...given.slice(0, 3), given[3]!.contiguous(other)]);
    turned.forEach((tensor, i) => {
      expect(tensor.toArray()).toEqual(results[i]!.toArray());
    });
    const [x, weight, bias] = given;
    expect(noGrad(() => kernel(x, 2, weight, bias, 1e-5)).toArray()).toEqual(results[0]!.toArray());
  });

  test("any number of threads gives the same bits", () => {
    const before = getNumThreads();
    const runs = [1, 2, 3].map((threads) => {
      setNumThreads(threads);
      return withGradients(kernel, 16, 1e-5, draw([1, 64, 24, 24], layout)).map((tensor) => tensor.toArray());
    });
    setNumThreads(before);
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });
});

test("without pixels' axes, with one, and without samples", () => {
  for (const [shape, groups] of [
    [[3, 8], 2],
    [[3, 8, 5], 4],
  ] as const) {
    const given = draw([...shape]);
    const exact = withGradients(
      reference,
      groups,
      1e-2,
      given.map((tensor) => tensor.double()),
    );
    withGradients(kernel, groups, 1e-2, given).forEach((tensor, i) => {
      expect(difference(tensor, exact[i]!)).toBeLessThan(3e-6);
    });
  }
  const none = withGradients(kernel, 2, 1e-5, draw([0, 8, 2, 2]));
  expect(none.map(({ shape }) => shape)).toEqual([[0, 8, 2, 2], [0, 8, 2, 2], [8], [8]]);
});

test("values that are not finite stay so; the other groups and samples do not notice", () => {
  const [x, weight, bias] = draw([2, 8, 4, 4], "channels_last");
  x.select(0, 1).select(0, 5).select(0, 2).select(0, 1).fill_(Number.NaN);
  const finite = ops.isfinite(kernel(x, 2, weight, bias, 1e-5));
  expect(finite.select(0, 0).all().item()).toBe(1);
  expect(finite.select(0, 1).narrow(0, 0, 4).all().item()).toBe(1);
  expect(finite.select(0, 1).narrow(0, 4, 4).any().item()).toBe(0);
});

test("derivatives of second order are libtorch's", () => {
  const second = (f: typeof kernel) => {
    const [x, weight, bias] = draw([2, 8, 3, 3]).map((tensor) => tensor.requiresGrad_(true));
    const [first] = gradient([f(x!, 2, weight!, bias!, 1e-5).sum()], [x!], { createGraph: true });
    return gradient([first!.square().sum()], [x!, weight!, bias!]) as Tensor[];
  };
  const theirs = second(reference);
  second(kernel).forEach((tensor, i) => {
    expect(difference(tensor, theirs[i]!.double())).toBeLessThan(1e-4);
  });
});

test("the layer: forward derivatives, other precisions and layers without parameters are libtorch's", () => {
  const [x, , , direction] = draw([2, 8, 3, 3], "channels_last");
  const norm = new GroupNorm(2, 8);
  const dual = jvp((input) => norm.forwardSilu(input), [x], [direction]);
  expect(dual.tangent.toArray()).toEqual(
    jvp((input) => ops.silu(norm.forward(input)), [x], [direction]).tangent.toArray(),
  );
  expect(difference(norm.forwardSilu(x), dual.value.double())).toBeLessThan(3e-6);
  const free = new GroupNorm(2, 8, { affine: false });
  expect(free.forwardSilu(x).toArray()).toEqual(ops.silu(free.forward(x)).toArray());
  const wide = new GroupNorm(2, 8).to({ dtype: "float64" });
  expect(wide.forwardSilu(x.double()).toArray()).toEqual(ops.silu(wide.forward(x.double())).toArray());
  const half = x.to("bfloat16");
  const [ours, theirs] = autocast({}, () => [norm.forwardSilu(half), ops.silu(norm.forward(half))]);
  expect(ours!.dtype).toBe(theirs!.dtype);
  expect(ours!.float().toArray()).toEqual(theirs!.float().toArray());
});

test("wrong arguments are named", () => {
  const [x, weight, bias] = draw([2, 8, 3, 3]);
  expect(() => kernel(x, 3, weight, bias, 1e-5)).toThrow(
    /num_groups \(3\) must divide the input's 8 channels/,
  );
  expect(() => kernel(x, 0, weight, bias, 1e-5)).toThrow(OperatorError);
  expect(() => kernel(x, 2, weight.narrow(0, 0, 4), bias, 1e-5)).toThrow(/weight and bias must be \[8\]/);
  const inner = (mean: Tensor, gradient = x) =>
    call("disback::_group_norm_backward", "", gradient, x, 2, weight, bias, mean, mean, true);
  expect(() => inner(randn([1, 2]))).toThrow(/mean and rstd must be \[N, num_groups\]/);
  expect(() => inner(randn([2, 2]), weight)).toThrow(/grad must be like the input/);
});
