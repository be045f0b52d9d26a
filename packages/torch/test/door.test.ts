import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { native } from "../src/binding.js";
import { resolve } from "../src/door.js";
import { call, libtorchVersion, OperatorError, ops, tensor, zeros } from "../src/index.js";
import { schemaOf } from "../src/schema.js";

test("any operator is reached by its name", () => {
  const x = tensor([1, 2, 3]);
  const sum = call("aten::add", "Tensor", x, x, 2) as ReturnType<typeof tensor>;
  expect(sum.toArray()).toEqual([3, 6, 9]);
  expect(call("aten::size", "int", x, 0)).toBe(3);
  const [values, indices] = call(
    "aten::max",
    "dim",
    tensor([
      [1, 5],
      [7, 2],
    ]),
    1,
  ) as ReturnType<typeof tensor>[];
  expect(values!.toArray()).toEqual([5, 7]);
  expect(indices!.toArray()).toEqual([1, 0]);
});

test("an operator that does not exist is named", () => {
  expect(() => call("aten::no_such_thing", "")).toThrow(
    `libtorch ${libtorchVersion()} has no operator aten::no_such_thing`,
  );
});

test("a refused call names the operator and the shapes, without a C++ backtrace", () => {
  const attempt = () => zeros([2, 3]).matmul(zeros([4, 5]));
  expect(attempt).toThrow(OperatorError);
  expect(attempt).toThrow(/aten::matmul\(self: \[2, 3\] Float, other: \[4, 5\] Float\)/);
  try {
    attempt();
  } catch (error) {
    expect((error as Error).message).not.toMatch(/frame #|\.cpp/);
  }
});

test("wrong kinds of arguments are named", () => {
  const x = zeros([2]);
  const anything = call as (...values: unknown[]) => unknown;
  expect(() => anything("aten::add", "Tensor", x, "text")).toThrow(/'other' must be a tensor/);
  expect(() => anything("aten::add", "Tensor", x)).toThrow(/'other' is missing/);
  expect(() => anything("aten::sum", "dim_IntList", x, [0.5])).toThrow(/'dim' must be an integer/);
  expect(() => anything("aten::add", "Tensor", x, x, 1, 2)).toThrow(/at most 3 arguments/);
  expect(() => anything("aten::randn", "generator", [2], {})).toThrow(/'generator' must be a generator/);
});

test("a whole number keeps integer tensors integer, a fraction does not", () => {
  const x = tensor([1, 2], { dtype: "int64" });
  expect(x.add(1).dtype).toBe("int64");
  expect(x.add(0.5).dtype).toBe("float32");
});

test("lists, tuples, optional arguments and in-place operators pass the door", () => {
  const x = tensor([
    [3, 1],
    [2, 4],
  ]);
  expect(ops.cat([x, x], 1).shape).toEqual([2, 4]);
  expect(ops.sort(x, 1)[0].toArray()).toEqual([
    [1, 3],
    [2, 4],
  ]);
  expect(ops.add_(x, 1)).toBe(x);
  expect(x.toArray()).toEqual([
    [4, 2],
    [3, 5],
  ]);
  expect(ops._foreach_mul_Scalar([x, x], 2).map((t) => t.sum().item())).toEqual([28, 28]);
  expect(ops.index(x, [null, tensor([1], { dtype: "int64" })]).toArray()).toEqual([[2], [5]]);
});

test("the usual overload has the plain name, for a tensor as for a number", () => {
  const x = tensor([1, 2, 3]);
  expect(ops.pow(x, 2).toArray()).toEqual([1, 4, 9]);
  expect(ops.pow(x, x).toArray()).toEqual([1, 4, 27]);
  expect(ops.sub(x, x, 2).toArray()).toEqual([-1, -2, -3]);
  expect(ops.where(x.gt(1), x, 0).toArray()).toEqual([0, 2, 3]);
  expect(ops.sum(x).item()).toBe(6);
  expect(ops.sum(x, 0, true).shape).toEqual([1]);
  expect(ops.var(x, null, 0).item()).toBeCloseTo(2 / 3);
  expect(ops.squeeze_dim(x.reshape([1, 3]), 0).shape).toEqual([3]);
});

const generated = readFileSync(new URL("../src/generated/ops.ts", import.meta.url), "utf8");
/** The generated functions: name, the schemas of their comments, the operators that they resolve. */
const functions = [...generated.matchAll(/\/\*\* ([^/]+) \*\/\n(?:export )?function (\S+)\(.*/g)].map(
  ([line, comment, name]) => ({
    name: name!,
    schemas: [...comment!.matchAll(/`(aten::[^`]+)`/g)].map(([, schema]) => schema!),
    operators: [...line.matchAll(/resolve\("(aten::\w+)", "(\w*)"/g)].map(([, name, overload]) => ({
      name: name!,
      overload: overload!,
      full: overload ? `${name}.${overload}` : name!,
    })),
  }),
);
/** What the door refuses, see `refusalOf` in argument_checks.cpp. */
const refused = /quantized_(lstm|gru|rnn_relu|rnn_tanh)_cell|choose_qparams_optimized/;

test("the typed functions' schemas are those of this libtorch", () => {
  const known = new Set(native.schemas());
  const stated = functions.flatMap(({ schemas }) => schemas);
  expect(stated.length).toBeGreaterThan(1600);
  expect(stated.filter((schema) => !known.has(schema))).toEqual([]);
  for (const { name, schemas, operators } of functions)
    expect(
      schemas.map((schema) => schema.slice(0, schema.indexOf("("))),
      name,
    ).toEqual(operators.map(({ full }) => full));
});

test("every typed function reaches its operator through the door, with as many arguments", () => {
  const operators = functions.flatMap((one) => one.operators);
  expect(operators.filter(({ name }) => refused.test(name))).toHaveLength(5);
  for (const { name, overload, full } of operators) {
    if (refused.test(name)) {
      expect(() => resolve(name, overload)).toThrow(/is not for direct calls/);
      continue;
    }
    const operator = resolve(name, overload);
    const count = schemaOf(full).arguments.length;
    expect(() => operator(...Array(count + 1).fill(null)), full).toThrow(
      `expected at most ${count} arguments`,
    );
  }
});
