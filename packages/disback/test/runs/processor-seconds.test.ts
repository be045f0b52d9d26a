import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type State, stateNumber } from "@disback/torch";
import { afterEach, beforeEach, expect, it } from "vitest";
import { latestCheckpoint } from "../../src/runs/checkpoint.js";
import { Interruption } from "../../src/runs/interruption.js";
import { silent } from "../../src/runs/progress.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { describeEnvironment, RUN_FORMAT } from "../../src/runs/run-record.js";
import type { Stage, Trainable } from "../../src/runs/stage.js";
import { runStage } from "../../src/runs/stage-loop.js";
import { StepTime } from "../../src/runs/step-time.js";

let run: RunFolder;
let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "disback-processor-"));
  run = RunFolder.create(join(base, "run"), {
    format: RUN_FORMAT,
    command: "distill",
    settings: {},
    seed: 0,
    ...describeEnvironment("0", "0"),
    startedAt: "2026-01-01T00:00:00.000Z",
    state: "running",
  });
});
afterEach(() => {
  run.close();
  rmSync(base, { recursive: true, force: true });
});

/** Each step takes 20 ms of processor time. */
class Busy implements Trainable {
  iteration = 0;
  get finished() {
    return this.iteration >= 1000;
  }
  step() {
    this.iteration++;
    const before = process.cpuUsage();
    for (let used = 0; used < 20_000; ) {
      const { user, system } = process.cpuUsage(before);
      used = user + system;
    }
    return { loss: 1 };
  }
  state(): State {
    return { tensors: new Map(), values: { iteration: this.iteration } };
  }
  loadState(state: State) {
    this.iteration = stateNumber(state, "iteration");
  }
}

async function train(work: Busy, options: Partial<Stage>, resume = false): Promise<number[]> {
  using interruption = new Interruption(() => {});
  const evaluated: number[] = [];
  const checkpoint = resume ? await latestCheckpoint(run.path, () => {}) : undefined;
  const evaluate = (iteration: number) => {
    evaluated.push(iteration);
    return {};
  };
  const stage: Stage = {
    ...{ name: "backtrack", work, iterations: 1000, imagesPerIteration: 1, evaluateEvery: 100, evaluate },
    processorSeconds: 0.1,
    ...options,
  };
  const rest = { checkpoints: { every: 100, keepLast: 1 }, iterationsBefore: 0, secondsBefore: 0 };
  await runStage(stage, { ...{ run, progress: silent, interruption }, ...rest }, checkpoint);
  return evaluated;
}

it("ends a stage when its steps have taken so long, evaluates and saves it, and stays ended", async () => {
  const work = new Busy();
  expect(await train(work, {})).toEqual([0, work.iteration]);
  expect(work.iteration).toBeGreaterThan(2);
  expect(work.iteration).toBeLessThanOrEqual(5);
  const again = new Busy();
  expect(await train(again, {}, true)).toEqual([]);
  expect(again.iteration).toBe(work.iteration);
});

it("counts what was spent before the first step", async () => {
  const work = new Busy();
  await train(work, { spent: new StepTime(0.07, 0.07) });
  expect(work.iteration).toBeLessThanOrEqual(2);
});
