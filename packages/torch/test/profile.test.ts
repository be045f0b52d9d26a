import { backward, ops, profile, randn } from "@disback/torch";
import { expect, test } from "vitest";

test("a profile counts every operator, those of the backward pass too, and tells shapes apart if asked to", () => {
  const weight = randn([3, 2]).requiresGrad_(true);
  const body = () => backward([ops.mm(randn([4, 3]), weight).sum()]);
  const find = (rows: ReturnType<typeof profile>, name: string) =>
    rows.filter(({ operator }) => operator === name);
  const plain = profile(body);
  // Forward, and the weight's gradient: the input needs none.
  expect(find(plain, "aten::mm")).toMatchObject([{ calls: 2, shapes: "" }]);
  expect(plain.every(({ seconds }) => seconds >= 0)).toBe(true);
  const shapes = find(profile(body, { shapes: true }), "aten::mm").map((row) => row.shapes);
  expect(shapes.sort()).toEqual(["[3, 4][4, 2]", "[4, 3][3, 2]"]);
});

test("a profile ends with an error in its body, and there is one at a time", () => {
  const fails = () => {
    throw new Error("stop");
  };
  expect(() => profile(fails)).toThrow("stop");
  expect(() => profile(() => profile(() => 0))).toThrow("a profile is being taken already");
  expect(() => profile(async () => 0)).toThrow("not asynchronous");
  expect(profile(() => 0)).toEqual([]);
});
