import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { call, full, ops, rand, setMemoryLimit, zeros } from "@disback/torch";
import { afterAll, expect, it } from "vitest";

// The short version of bench/fuzz.mjs: in processes of their own, since what is looked for ends a process.
const bench = (name: string) => import(new URL(`../../../bench/fuzz/${name}.mjs`, import.meta.url).href);
const { runTarget } = await bench("supervisor");

const folder = mkdtempSync(join(tmpdir(), "disback-fuzz-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  ["operators", 1673],
  ["addon", 1500],
  ["tensor-api", 500],
  ["workers", 2],
])(
  "%s, %i times: a result or a JavaScript error",
  async (name, count) => {
    const { sum, findings } = await runTarget(name, {
      seed: 3,
      count,
      batch: count,
      folder: join(folder, name),
    });
    expect(findings).toEqual([]);
    expect(sum.inputs).toBe(count);
    expect(sum.accepted).toBeGreaterThan(0);
  },
  600_000,
);

it("the addon's fuzzing leaves out what is called once while the package loads, and jvp's level, which must be left as it was entered", async () => {
  const { signatures } = await bench("targets/addon");
  const { native } = await import(new URL("../dist/binding.js", import.meta.url).href);
  const left = Object.keys(native).filter((name) => !(name in signatures));
  expect(left.sort()).toEqual(["enterDual", "leaveDual", "setErrorConstructor", "shareSizes"]);
});

it("lists have the length that the schema states; one value stands for all", () => {
  const image = rand([1, 1, 6, 6]);
  expect(ops.max_pool2d(image, [2, 2]).shape).toEqual([1, 1, 3, 3]);
  expect(ops.max_pool2d(image, [2]).shape).toEqual([1, 1, 3, 3]);
  expect(() => ops.max_pool2d(image, [2, 2, 2])).toThrow(/'kernel_size' must be an array of 2 values/);
  expect(() => ops.reflection_pad2d_backward(image, image, [])).toThrow(
    /'padding' must be an array of 4 values/,
  );
});

it("what kernels take for granted is looked at, or refused", () => {
  const image = rand([1, 1, 4, 4]);
  const gradient = rand([1, 1, 2, 2]);
  const indices = (value: number) => full([1, 1, 2, 2], value, { dtype: "int64" });
  const pool = (value: number) => ops.adaptive_max_pool2d_backward(gradient, image, indices(value));
  expect(pool(15).sum().item()).toBeCloseTo(gradient.sum().item() as number);
  expect(() => pool(16)).toThrow(/'indices' must be made of indices that lie within/);
  const counted = (value: number) => full([2], value, { dtype: "int64" });
  expect(() => ops.embedding_dense_backward(rand([2, 3]), counted(4), 4, -1, true)).toThrow(/'indices'/);
  const labels = full([1, 2], 3, { dtype: "int64" });
  expect(() => ops.ctc_loss_IntList(rand([4, 1, 3]).log(), labels, [4], [2])).toThrow(/'targets'/);
  const integers = full([2], 1, { dtype: "int64" });
  expect(() => ops.smooth_l1_loss_backward(integers, integers, integers, 1, 0.5)).toThrow(/'self'/);
  const lists = [[rand([4])], [rand([4])], [rand([1])], [rand([4])], [], [rand([])]] as const;
  expect(() => ops._fused_adam_(...lists, 1e-3, 0.9, 0.99, 0, 1e-8, false, false)).toThrow(/'exp_avgs'/);
  const evaluate = () => ops.native_batch_norm(image, null, null, null, null, false, 0.1, 1e-5);
  expect(evaluate).toThrow(/'running_mean' must be given/);
  expect(() => call("aten::_reshape_alias", "", image, [1000], [1])).toThrow(/is not for direct calls/);
});

it("a number does not pass for the tensor that has it as its handle", () => {
  const x = rand([2]);
  expect(() => call("aten::relu", "", x.handle)).toThrow(/a number is given for a tensor/);
  expect(() => call("aten::cat", "", [x.handle])).toThrow(/a number is given for a tensor/);
});

it("what does not fit into the memory limit is an error", () => {
  setMemoryLimit(2 ** 20);
  try {
    expect(() => zeros([2 ** 20])).toThrow(/out of memory: a tensor of 4194304 bytes does not fit/);
    expect(zeros([2 ** 10]).numel).toBe(2 ** 10);
  } finally {
    setMemoryLimit();
  }
  expect(zeros([2 ** 20]).numel).toBe(2 ** 20);
});

it("an operator may be called while another's arguments are read", () => {
  const sizes = Object.defineProperty([2, 3], 1, {
    get: () => ops.add(rand([2]), rand([2])).numel + 1,
  });
  expect(ops.zeros(sizes).shape).toEqual([2, 3]);
});
