import { expect, it } from "vitest";
import { StagePace, timesAhead } from "../../src/runs/stage-pace.js";

it("evaluations and checkpoints are told apart from steps, and those ahead are counted", () => {
  const pace = new StagePace({ iterations: 100, evaluateEvery: 25, checkpointEvery: 50 });
  expect(pace.left(0)).toBeUndefined();
  // The first of each includes what is made only once.
  for (const seconds of [9, 2, 2, 2]) pace.add("step", seconds);
  for (const seconds of [90, 10]) pace.add("evaluation", seconds);
  pace.add("checkpoint", 3);
  expect(pace.rate).toBeCloseTo(0.5);
  // 60 steps; evaluations at 50, 75 and 100; checkpoints at 50 and 100
  expect(pace.left(40)).toBeCloseTo(60 * 2 + 3 * 10 + 2 * 3);
  expect(pace.left(100)).toBe(0);
});

it("a budget of processor time ends a stage before its iterations", () => {
  let share = 0;
  const pace = new StagePace({ iterations: 1000, checkpointEvery: 1000, share: () => share });
  for (let step = 0; step < 4; step++) pace.add("step", 2);
  expect(pace.left(10)).toBeCloseTo(990 * 2);
  share = 0.25;
  expect(pace.left(10)).toBeCloseTo(30 * 2);
  share = 1.1;
  expect(pace.left(10)).toBe(0);
});

it("follows a pace that changes", () => {
  const pace = new StagePace({ iterations: 1000, checkpointEvery: 1000 });
  for (let step = 0; step < 50; step++) pace.add("step", 1);
  for (let step = 0; step < 50; step++) pace.add("step", 4);
  expect(pace.secondsOf("step")).toBeCloseTo(4, 1);
});

it("what happens every few iterations also happens at the end", () => {
  expect(timesAhead(0, 100, 30)).toBe(4);
  expect(timesAhead(90, 100, 30)).toBe(1);
  expect(timesAhead(0, 90, 30)).toBe(3);
  expect(timesAhead(100, 100, 30)).toBe(0);
});
