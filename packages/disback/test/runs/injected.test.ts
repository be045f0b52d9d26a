import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, type Module, type Tensor } from "@disback/torch";
import { afterEach, beforeEach, expect, it } from "vitest";
import { TensorDataset } from "../../src/data/dataset.js";
import { Backtracking } from "../../src/distill/backtrack.js";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { createDenoiser, parseDenoiserConfig } from "../../src/models/config.js";
import { DenoiserModule } from "../../src/models/denoiser.js";
import { Interruption } from "../../src/runs/interruption.js";
import { examination } from "../../src/runs/jobs/session.js";
import { silent } from "../../src/runs/progress.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { describeEnvironment, RUN_FORMAT } from "../../src/runs/run-record.js";
import type { Trainable } from "../../src/runs/stage.js";
import { runStage } from "../../src/runs/stage-loop.js";
import { TeacherTraining } from "../../src/teacher/training.js";

// Real networks and trainings; what is wrong comes in through what a user of the library may give: data, a denoiser.

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "disback-injected-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const config = parseDenoiserConfig({ network: "mlp", dimension: 2, hiddenChannels: 8, blocks: 1 });
const network = (seed: number) => createDenoiser(config, { generator: new Generator(seed) });
const facts = { sampleShape: [2], sigmaData: 0.5, condition: {} };
const like = { facts, device: "cpu" } as const;

async function train(
  work: Trainable & { networks: Record<string, Module> },
  name: "teacher" | "backtrack",
): Promise<RunFolder> {
  const run = RunFolder.create(join(base, name), {
    format: RUN_FORMAT,
    command: "distill",
    settings: {},
    seed: 0,
    ...describeEnvironment("0", "0"),
    startedAt: "2026-01-01T00:00:00.000Z",
    state: "running",
  });
  using interruption = new Interruption(() => {});
  const stage = {
    name,
    label: name,
    work,
    iterations: 30,
    imagesPerIteration: 8,
    evaluateEvery: 5,
    examine: () => examination(work.networks, like),
  };
  const divergence = { action: "rollback", factor: 0.5 } as const;
  const checkpoints = { every: 5, keepLast: 2 };
  await runStage(stage, {
    ...{ run, progress: silent, interruption, checkpoints, divergence },
    ...{ iterationsBefore: 0, secondsBefore: 0 },
  });
  return run;
}

it("data that are not numbers: taken back once, met again, told", async () => {
  let reads = 0;
  const dataset = new TensorDataset({
    ...{ name: "spoilt", sampleShape: [2], length: 80, labelDim: 0 },
    // Eight samples at a time: the tenth batch of every epoch holds the spoilt one.
    read: async (indices) => {
      reads++;
      const samples = Float32Array.from({ length: 2 * indices.length }, (_, i) => Math.sin(i));
      if (Array.from(indices).includes(79)) samples[3] = Number.NaN;
      return { samples };
    },
    fingerprint: async () => "",
  });
  const training = new TeacherTraining({ denoiser: network(0), dataset, batchSize: 8, iterations: 30 });
  const failure = train(training, "teacher");
  await expect(failure).rejects.toThrow(
    /^teacher, iteration (\d+): loss became NaN \(all networks are finite; the worst is the network at noise level .*\); it was already rolled back at iteration \1/,
  );
  expect(reads).toBeGreaterThan(2);
});

/** A denoiser that no longer answers above a noise level once it was asked so many times. */
class Failing extends DenoiserModule {
  readonly facts = facts;
  private asked = 0;
  constructor(
    private readonly inner: DenoiserModule,
    private readonly after: number,
  ) {
    super();
  }
  denoise(x: Tensor, sigma: Tensor): Tensor {
    const estimate = this.inner.denoise(x, sigma);
    if (++this.asked <= this.after) return estimate;
    const broken = sigma.gt(1).reshape([-1, 1]);
    return estimate.maskedFill(broken, Number.NaN);
  }
}

it("a target that fails at high noise: iteration, network and noise levels are told", async () => {
  const work = new Backtracking({
    teacher: new Failing(network(1), 12),
    student: new DenoiserStudent(network(2), { sigmaInit: 2.5 }),
    // The failure counts calls, which a captured step does not make again.
    ...{ iterations: 30, batchSize: 8, execution: { capture: false } },
  });
  await expect(train(work, "backtrack")).rejects.toThrow(
    /^backtrack, iteration \d+: (gap|mismatch|loss) became NaN \((auxiliary model|target): estimates not finite at noise levels 1\.\d to 80\)/,
  );
});

it("the same seed gives the same run, bit for bit, twice in one process", async () => {
  const weights = () => {
    const work = new Backtracking({
      teacher: network(1),
      student: new DenoiserStudent(network(2), { sigmaInit: 2.5 }),
      ...{ iterations: 20, batchSize: 16, execution: { seed: 5 } },
    });
    while (!work.finished) work.step();
    return [...work.average.module.stateDict().values()].map((weight) => weight.toArray());
  };
  expect(weights()).toEqual(weights());
});
