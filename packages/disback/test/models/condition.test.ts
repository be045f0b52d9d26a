import { memoryStatistics, tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import {
  type Condition,
  type ConditionShapes,
  classCondition,
  classesOf,
  describeCondition,
  eachRows,
  joinConditions,
  narrowRows,
  selectRows,
  tensorsOf,
} from "../../src/models/condition.js";

/** Classes and a vector for each of four samples. */
const told = (): Condition => ({
  class: tensor([
    [1, 0],
    [0, 1],
    [1, 0],
    [0, 0],
  ]),
  pooled: tensor([
    [1, 2, 3],
    [4, 5, 6],
    [7, 8, 9],
    [10, 11, 12],
  ]),
});
const values = (condition: Condition) =>
  Object.fromEntries(Object.entries(condition).map(([name, rows]) => [name, rows.toArray()]));

describe("rows of a condition", () => {
  it("are taken from every tensor alike", () => {
    expect(values(narrowRows(told(), 1, 2))).toEqual({
      class: [
        [0, 1],
        [1, 0],
      ],
      pooled: [
        [4, 5, 6],
        [7, 8, 9],
      ],
    });
    expect(values(selectRows(told(), tensor([3, 0]).to("int64")))).toEqual({
      class: [
        [0, 0],
        [1, 0],
      ],
      pooled: [
        [10, 11, 12],
        [1, 2, 3],
      ],
    });
  });

  it("are views: narrowing copies nothing", () => {
    const all = told();
    const part = narrowRows(all, 2, 1);
    all.pooled!.fill_(5);
    expect(part.pooled!.toArray()).toEqual([[5, 5, 5]]);
  });

  it("of a tensor alone are a tensor's, of nothing nothing", () => {
    expect(narrowRows(tensor([1, 2, 3]), 1, 2).toArray()).toEqual([2, 3]);
    expect(selectRows(tensor([1, 2, 3]), tensor([2]).to("int64")).toArray()).toEqual([3]);
    expect(narrowRows(undefined, 0, 3)).toBeUndefined();
    expect(selectRows(undefined, tensor([0]).to("int64"))).toBeUndefined();
    expect(eachRows(undefined, () => expect.unreachable())).toBeUndefined();
  });

  it("narrowed over the whole batch and joined are the condition again", () => {
    const all = told();
    const parts = [narrowRows(all, 0, 1), narrowRows(all, 1, 3)];
    expect(values(joinConditions(parts))).toEqual(values(all));
    expect(joinConditions([])).toEqual({});
  });
});

it("the tensors of a condition can be gone through", () => {
  const all = told();
  const [first, second, ...more] = tensorsOf(all);
  expect([first === all.class, second === all.pooled, more.length]).toEqual([true, true, 0]);
  expect(tensorsOf(all.class).map((one) => one === all.class)).toEqual([true]);
  expect(tensorsOf(undefined)).toEqual([]);
  const before = memoryStatistics().tensors;
  for (const one of tensorsOf(all)) one.dispose();
  expect(memoryStatistics().tensors).toBe(before - 2);
});

it("classes are one entry of it", () => {
  const labels = tensor([[1, 0]]);
  expect(Object.entries(classCondition(labels)).map(([name, one]) => [name, one === labels])).toEqual([
    ["class", true],
  ]);
  expect(classCondition(undefined)).toBeUndefined();
  const classes = [{ class: [10] }, { text: [77, 8] }, {}] as ConditionShapes[];
  expect(classes.map((condition) => classesOf({ condition }))).toEqual([10, 0, 0]);
});

it("shapes in words", () => {
  expect(describeCondition({ class: [10], text: [77, 768] })).toBe("class [10], text [77, 768]");
  expect(describeCondition({})).toBe("no condition");
});
