import { call, Generator, ops, randn, type Tensor, zeros } from "@disback/torch";
import { describe, expect, test } from "vitest";

const shapes = [[3], [64, 32, 3, 3], [1], [5, 7], [4097], [0]];
const draw = (seed: number): Tensor[] => {
  const generator = new Generator(seed);
  return shapes.map((shape, i) => {
    const tensor = randn(shape, { generator });
    return i === 1 ? tensor.contiguous("channels_last") : tensor;
  });
};
const clean = (tensors: Tensor[]) => call("disback::clean_", "", tensors, 0, 1e5, -1e5) as Tensor;

describe("gradients are cleaned", () => {
  test("finite ones stay as they are; the norm is that of float64", () => {
    const [tensors, before] = [draw(1), draw(1)];
    const norm = clean(tensors);
    const exact = Math.sqrt(before.reduce((sum, tensor) => sum + tensor.double().square().sum().item(), 0));
    expect(Math.abs(norm.item() / exact - 1)).toBeLessThan(1e-6);
    tensors.forEach((tensor, i) => {
      expect(tensor.toArray()).toEqual(before[i]!.toArray());
    });
  });

  test("NaN and infinities are replaced as nan_to_num_ does; large values that overflow when squared are not", () => {
    const [tensors, expected] = [draw(2), draw(2)];
    for (const set of [tensors, expected]) {
      set[1]!.select(0, 3).fill_(Number.NaN);
      set[3]!.select(0, 0).fill_(Number.POSITIVE_INFINITY);
      set[4]!.narrow(0, 4096, 1).fill_(Number.NEGATIVE_INFINITY);
      set[4]!.narrow(0, 7, 1).fill_(3e38);
    }
    const norm = clean(tensors);
    let sum = 0;
    for (const tensor of expected) {
      ops.nan_to_num_(tensor, 0, 1e5, -1e5);
      sum += tensor.double().square().sum().item();
    }
    tensors.forEach((tensor, i) => {
      expect(tensor.toArray()).toEqual(expected[i]!.toArray());
    });
    expect(Math.abs(norm.item() / Math.sqrt(sum) - 1)).toBeLessThan(1e-6);
  });

  test("other precisions and strided tensors", () => {
    const wide = draw(3).map((tensor) => tensor.double());
    wide[0]!.narrow(0, 1, 1).fill_(Number.NaN);
    expect(clean(wide).dtype).toBe("float64");
    expect(wide[0]!.select(0, 1).item()).toBe(0);
    const spread = zeros([4, 4]).select(1, 0).fill_(Number.POSITIVE_INFINITY);
    expect(clean([spread]).item()).toBeCloseTo(2e5);
    expect(() => clean([])).toThrow();
  });
});

test.each([0.001, 0.3, 0.5, 0.9, 1])("averages move by %f with libtorch's bits", (weight) => {
  const [ours, theirs, values] = [draw(4), draw(4), draw(5)];
  call("disback::lerp_", "", ours, values, weight);
  ops._foreach_lerp__Scalar(theirs, values, weight);
  ours.forEach((tensor, i) => {
    expect(tensor.toArray()).toEqual(theirs[i]!.toArray());
  });
  expect(() => call("disback::lerp_", "", ours, values.slice(1), weight)).toThrow(
    /as many values as averages/,
  );
});

test("layouts that differ, and other precisions, move as libtorch's", () => {
  const [ours, theirs, values] = [draw(4), draw(4), draw(5).map((tensor) => tensor.contiguous())];
  call("disback::lerp_", "", ours, values, 0.2);
  ops._foreach_lerp__Scalar(theirs, values, 0.2);
  expect(ours[1]!.toArray()).toEqual(theirs[1]!.toArray());
});

test("counts", () => {
  const counts = [zeros([]), zeros([]).add(41), zeros([], { dtype: "float64" })];
  call("disback::increment_", "", counts);
  call("disback::increment_", "", counts.slice(0, 2));
  expect(counts.map((count) => count.item())).toEqual([2, 43, 1]);
});
