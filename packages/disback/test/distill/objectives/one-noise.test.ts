import { backward, noGrad } from "@disback/torch";
import { expect, test } from "vitest";
import type { Carried } from "../../../src/distill/objective.js";
import { DiffInstruct } from "../../../src/distill/objectives/diff-instruct.js";
import { inTodaysWords } from "../../../src/runs/settings/older.js";
import { expectGradients, scene } from "./scene.js";

/** Both updates of a step, with other weights of the auxiliary model in the second. */
function twoUpdates(objective: DiffInstruct) {
  const at = scene();
  const carried: Carried = {};
  const input = { ...at.step(), carried };
  const loss = objective.auxiliaryLoss({ ...input, samples: input.samples.detach() });
  const drawn = input.random.getState();
  noGrad(() => at.auxiliary.out.weight.mul_(3));
  const { gradient } = objective.studentSignal(input);
  const drewMore = String(input.random.getState()) !== String(drawn);
  return { at, input, carried, loss, gradient: gradient!, drewMore };
}

test("the student moves by the estimate before the auxiliary model's update: PyTorch's gradient with its old weights", () => {
  const { at, input, gradient, drewMore } = twoUpdates(new DiffInstruct());
  backward([input.samples], [gradient]);
  expectGradients(at, "diff-instruct.one");
  expect(drewMore).toBe(false);
});

test("with two batches, or a model that drops activations, noise is drawn and estimated again", () => {
  expect(twoUpdates(new DiffInstruct({ oneNoise: false }))).toMatchObject({ carried: {}, drewMore: true });
  const at = scene();
  Object.assign(at.auxiliary.hidden, { dropout: 0.1 });
  const carried: Carried = {};
  new DiffInstruct().auxiliaryLoss({ ...at.step(), carried });
  expect(carried).toEqual({});
});

test("runs from before keep their two batches when they are resumed", () => {
  const before = { backtracking: { diffInstruct: { weighting: "edm" } } };
  expect(inTodaysWords(before)).toEqual({
    backtracking: { diffInstruct: { weighting: "edm", oneNoise: false } },
  });
  expect(inTodaysWords({ backtracking: { diffInstruct: { oneNoise: true } } })).toEqual({
    backtracking: { diffInstruct: { oneNoise: true } },
  });
});
