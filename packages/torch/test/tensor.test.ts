import {
  arange,
  fromTypedArray,
  full,
  ones,
  randn,
  synchronize,
  TorchError,
  tensor,
  whyNoCuda,
  zeros,
} from "@disback/torch";
import { expect, test } from "vitest";

test("typed arrays of every shared dtype make the round trip", async () => {
  const arrays = [
    ["float32", new Float32Array([1.5, -2, Number.NaN, Infinity])],
    ["float64", new Float64Array([1e-300, -2.25, 0, 1e300])],
    ["int8", new Int8Array([-128, 127, 0, 1])],
    ["int16", new Int16Array([-32768, 32767, 0, 1])],
    ["int32", new Int32Array([-2147483648, 2147483647, 0, 1])],
    ["int64", new BigInt64Array([-(2n ** 63n), 2n ** 63n - 1n, 0n, 1n])],
    ["uint8", new Uint8Array([0, 255, 1, 2])],
  ] as const;
  for (const [dtype, array] of arrays) {
    const made = fromTypedArray(array, [2, 2]);
    expect(made.dtype).toBe(dtype);
    expect(made.shape).toEqual([2, 2]);
    expect(made.data()).toEqual(array);
    expect(await made.dataAsync()).toEqual(array);
  }
});

test("half precision goes in as bits and comes out as numbers", () => {
  // 1.0, -2.0, 65504 and the smallest subnormal of IEEE half precision
  const half = fromTypedArray(new Uint16Array([0x3c00, 0xc000, 0x7bff, 0x0001]), [4], { dtype: "float16" });
  expect(half.dtype).toBe("float16");
  expect(half.data()).toEqual(new Float32Array([1, -2, 65504, 2 ** -24]));
  const brain = fromTypedArray(new Uint16Array([0x3f80, 0xc000, 0x4049]), [3], { dtype: "bfloat16" });
  expect(brain.data()).toEqual(new Float32Array([1, -2, 3.140625]));
  expect(new Uint16Array(brain.bytes().buffer)).toEqual(new Uint16Array([0x3f80, 0xc000, 0x4049]));
  expect(() => fromTypedArray(new Uint16Array(2), [2])).toThrow(/give the dtype/);
});

test("nested arrays give shape and dtype; ragged ones are refused", () => {
  expect(tensor([[1, 2, 3]]).shape).toEqual([1, 3]);
  expect(tensor(5).shape).toEqual([]);
  expect(tensor([true, false]).dtype).toBe("bool");
  expect(tensor([]).shape).toEqual([0]);
  expect(() => tensor([[1, 2], [3]])).toThrow(TorchError);
  expect(() => tensor([1, [2]])).toThrow(TorchError);
  expect(() => fromTypedArray(new Float32Array(3), [2, 2])).toThrow(/needs 4 values, the array has 3/);
});

test("indexing follows NumPy", () => {
  const x = arange(0, 24).reshape([2, 3, 4]);
  expect(x.at(1, 2, 3).item()).toBe(23);
  expect(x.at(0, [1, 3]).shape).toEqual([2, 4]);
  expect(x.at("...", -1).toArray()).toEqual([
    [3, 7, 11],
    [15, 19, 23],
  ]);
  expect(x.at([null, null, 2]).shape).toEqual([1, 3, 4]);
  expect(x.at(null, 0).shape).toEqual([1, 3, 4]);
  const picked = x.at([null, null], tensor([2, 0], { dtype: "int64" }));
  expect(picked.at(0, 0).toArray()).toEqual([8, 9, 10, 11]);
  const row = x.at(0, 0);
  expect(row.at(row.gt(1)).toArray()).toEqual([2, 3]);
});

test("views share memory, copies do not; in-place variants return the tensor itself", () => {
  const x = zeros([4]);
  expect(x.view([2, 2]).sharesMemoryWith(x)).toBe(true);
  expect(x.clone().sharesMemoryWith(x)).toBe(false);
  expect(x.add_(1).mul_(3)).toBe(x);
  expect(x.toArray()).toEqual([3, 3, 3, 3]);
});

test("channels-last is a layout, not a shape", () => {
  const x = arange(2 * 3 * 2 * 2)
    .float()
    .reshape([2, 3, 2, 2])
    .contiguous("channels_last");
  expect(x.shape).toEqual([2, 3, 2, 2]);
  expect(x.isContiguous("channels_last")).toBe(true);
  expect(x.isContiguous()).toBe(false);
  expect(x.data()).toEqual(Float32Array.from({ length: 24 }, (_, i) => i));
});

test("printing is readable", () => {
  expect(
    String(
      tensor([
        [1, -2.5],
        [0, 10],
      ]),
    ),
  ).toBe("tensor([[ 1.0000, -2.5000],\n        [ 0.0000, 10.0000]], shape=[2, 2])");
  expect(String(tensor([1, 2], { dtype: "int32" }))).toBe("tensor([1, 2], shape=[2], int32)");
  expect(String(zeros([0]))).toBe("tensor([], shape=[0])");
  expect(String(zeros([2000])).length).toBeLessThan(200);
});

test("using a disposed tensor is an error, disposing twice is not", () => {
  const x = zeros([1]);
  x.dispose();
  x.dispose();
  expect(() => x.add(1)).toThrow(/disposed/);
  expect(() => x.shape).toThrow(/disposed/);
});

test("there is nothing to wait for on the CPU, and no GPU to wait for where there is none", () => {
  expect(() => synchronize()).not.toThrow();
  if (whyNoCuda() === undefined) expect(() => synchronize("cuda")).not.toThrow();
  else expect(() => synchronize("cuda")).toThrow(/cuda/i);
});

test("a shape is a number or an array; two numbers are refused", () => {
  expect(randn(2).shape).toEqual([2]);
  expect(ones([]).shape).toEqual([]);
  expect(full(3, 2).toArray()).toEqual([2, 2, 2]);
  const untyped = zeros as (...sizes: number[]) => unknown;
  expect(() => untyped(2, 3)).toThrow("a shape of several axes is an array: [2, 3]");
});

test("arange counts in whole numbers unless a fraction is among them", () => {
  expect(arange(3).toArray()).toEqual([0, 1, 2]);
  expect(arange(3).dtype).toBe("int64");
  expect(arange(1, 7, 2).toArray()).toEqual([1, 3, 5]);
  expect(arange(0, 1, 0.25).dtype).toBe("float32");
  expect(arange(0, 1, 0.25).toArray()).toEqual([0, 0.25, 0.5, 0.75]);
  expect(arange(2, { dtype: "float64" }).dtype).toBe("float64");
});

test("values are written where `at` reads them", () => {
  const x = zeros([2, 3]);
  expect(x.setAt([0, [1, 3]], 5)).toBe(x);
  x.setAt(["...", 0], tensor([7, 8]));
  expect(x.toArray()).toEqual([
    [7, 5, 5],
    [8, 0, 0],
  ]);
  x.setAt([x.eq(5)], -1);
  x.setAt([1, tensor([2, 0], { dtype: "int64" })], tensor([3, 4]));
  expect(x.toArray()).toEqual([
    [7, -1, -1],
    [4, 0, 3],
  ]);
  expect(() => x.setAt([2], 0)).toThrow(/out of range/);
});

test("a tensor is gone through along its first axis, in views", () => {
  const x = zeros([2, 2]);
  for (const row of x) row.add_(1);
  expect(x.sum().item()).toBe(4);
  expect([...arange(3)].map((element) => element.item())).toEqual([0, 1, 2]);
  expect(() => [...tensor(1)]).toThrow(TorchError);
});

test("reductions along an axis give values and places", () => {
  const x = tensor([
    [1, 5, 2],
    [7, 0, 3],
  ]);
  const [values, places] = x.max(1);
  expect([values.toArray(), places.toArray()]).toEqual([
    [5, 7],
    [1, 0],
  ]);
  expect(x.min(0, true)[0].toArray()).toEqual([[1, 0, 2]]);
  expect(x.gt(0).all(1).toArray()).toEqual([true, false]);
  expect(x.prod(0).toArray()).toEqual([7, 0, 6]);
  expect(x.var(1, false).toArray()).toEqual([x.at(0).var(0, false).item(), x.at(1).var(0, false).item()]);
});
