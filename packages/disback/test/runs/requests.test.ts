import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensor } from "@disback/torch";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listCheckpoints } from "../../src/runs/checkpoint.js";
import { Interruption } from "../../src/runs/interruption.js";
import { silent } from "../../src/runs/progress.js";
import { askFor, isAsked } from "../../src/runs/requests.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { RUN_FORMAT } from "../../src/runs/run-record.js";
import { Interrupted, type Trainable } from "../../src/runs/stage.js";
import { runStage } from "../../src/runs/stage-loop.js";

let base: string;
let run: RunFolder;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "disback-requests-"));
  run = RunFolder.create(join(base, "run"), {
    format: RUN_FORMAT,
    command: "record",
    settings: {},
    seed: 0,
    versions: {},
    machine: {},
    startedAt: "2026-01-01T00:00:00Z",
    state: "running",
  });
});

afterEach(() => {
  run.close();
  rmSync(base, { recursive: true, force: true });
});

/** Ten steps; `during` is called in each. */
async function train(during: (iteration: number) => void): Promise<void> {
  let done = 0;
  const work: Trainable = {
    get iteration() {
      return done;
    },
    get finished() {
      return done === 10;
    },
    step() {
      done++;
      during(done);
      return { loss: done, target: 10 - done };
    },
    state: () => ({ tensors: new Map([["weights", tensor([done])]]), values: {} }),
    loadState() {},
  };
  using interruption = new Interruption(() => {});
  await runStage(
    {
      name: "backtrack",
      label: "backtracking",
      work,
      iterations: 10,
      imagesPerIteration: 4,
      evaluateEvery: 5,
    },
    {
      run,
      progress: silent,
      interruption,
      checkpoints: { every: 100, keepLast: 5 },
      iterationsBefore: 0,
      secondsBefore: 0,
    },
  );
}

test("a checkpoint that was asked for is saved once, at the end of the step", async () => {
  await train((iteration) => iteration === 3 && askFor(run.path, "checkpoint"));
  expect(listCheckpoints(run.path)).toEqual([3, 10]);
  expect(isAsked(run.path, "checkpoint")).toBe(false);
});

test("a stop that was asked for saves and leaves like SIGTERM, and does not stop the resumed run", async () => {
  const stopped = train((iteration) => iteration === 4 && askFor(run.path, "stop"));
  await expect(stopped).rejects.toThrow(Interrupted);
  await expect(stopped).rejects.toMatchObject({ exitCode: 143 });
  expect(listCheckpoints(run.path)).toEqual([4]);
  run.close();
  run = RunFolder.open(run.path);
  expect(isAsked(run.path, "stop")).toBe(false);
});

test("the live log has the first and the last step, means between, and what a watcher wants to know", async () => {
  await train(() => {});
  const lines = run.live.read();
  expect(lines.at(0)).toMatchObject({ stage: "backtrack", iteration: 1, iterations: 10, images: 4, loss: 1 });
  expect(lines.at(-1)).toMatchObject({ iteration: 10, target: 0, secondsLeft: 0 });
  // Ten steps take no quarter of a second: the second line holds the mean of steps 2 to 10.
  expect(lines).toHaveLength(2);
  expect(lines[1]!.loss).toBe(6);
  expect(lines[1]!.rate).toBeGreaterThan(0);
  expect(lines[1]!.memoryBytes).toBeGreaterThan(1e6);
});
