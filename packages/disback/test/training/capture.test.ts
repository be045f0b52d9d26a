import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, type ProcessGroup, randn, type State, zeros } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it, test, vi } from "vitest";
import { Backtracking } from "../../src/distill/backtrack.js";
import type { BacktrackingOptions } from "../../src/distill/backtracking-options.js";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { DirectDistillation } from "../../src/distill/direct-distillation.js";
import type { DirectObjective } from "../../src/distill/direct-objective.js";
import { Imitation } from "../../src/distill/imitate.js";
import type { Objective } from "../../src/distill/objective.js";
import { Consistency } from "../../src/distill/objectives/consistency.js";
import { DiffInstruct } from "../../src/distill/objectives/diff-instruct.js";
import { Dmd } from "../../src/distill/objectives/dmd.js";
import { Dmd2 } from "../../src/distill/objectives/dmd2.js";
import { Regression } from "../../src/distill/objectives/regression.js";
import { Sid } from "../../src/distill/objectives/sid.js";
import { Vsd } from "../../src/distill/objectives/vsd.js";
import { Recording, record } from "../../src/distill/record.js";
import { SamplePool } from "../../src/distill/sample-pool.js";
import { StepsPerTarget } from "../../src/distill/target-schedule.js";
import { type Computation, computing } from "../../src/models/computation.js";
import { createDenoiser, type DenoiserConfigInput, parseDenoiserConfig } from "../../src/models/config.js";
import type { DenoiserModule } from "../../src/models/denoiser.js";
import { requireCapturable } from "../../src/training/capture.js";
import { Processes } from "../../src/training/processes.js";

// Everything here is compared bit for bit with the plain steps, which other tests hold against references.

/** A teacher of samples with three classes, and students that start as it does. */
function scene(config: DenoiserConfigInput, how: Partial<Computation> = {}) {
  const parsed = parseDenoiserConfig({ ...config, labelDim: 3 });
  const network = (seed: number) => createDenoiser(parsed, { generator: new Generator(seed) });
  const teacher = computing(network(1), {
    ...{ precision: "f32", memoryFormat: "contiguous", activationCheckpointing: false, ...how },
  }).requiresGrad_(false);
  const student = (laterSigmas: number[] = [], denoiser: DenoiserModule = teacher.clone()) =>
    new DenoiserStudent(denoiser.requiresGrad_(true), { sigmaInit: 2.5, laterSigmas });
  return { teacher, student, network };
}

const unet = {
  ...{ network: "song-unet", imageResolution: 8, imageChannels: 1, modelChannels: 4, blocksPerResolution: 1 },
  ...{ channelMultipliers: [1, 2], attentionResolutions: [4], dropout: 0.1 },
} satisfies DenoiserConfigInput;
const { teacher, student, network } = scene({ network: "mlp", dimension: 2, hiddenChannels: 16, blocks: 1 });
const realSamples = () =>
  new SamplePool({
    samples: randn([20, 2], { generator: new Generator(3) }),
    condition: { class: zeros([20, 3]).add(1 / 3) },
  });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-capture-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Work {
  step(): object;
  state(): State;
  dispose(): void;
}

/** All that a state holds, as plain values. */
const contents = ({ tensors, values }: State) => ({
  tensors: new Map([...tensors].map(([name, tensor]) => [name, tensor.data()])),
  values,
});

/** Steps of both kinds side by side. @returns the captured one */
function compare<Kind extends Work>(make: (capture: boolean) => Kind, steps: number): Kind {
  const [plain, captured] = [make(false), make(true)];
  for (let step = 0; step < steps; step++) expect(captured.step(), `step ${step}`).toEqual(plain.step());
  expect(contents(captured.state())).toEqual(contents(plain.state()));
  plain.dispose();
  return captured;
}

const objectives: [string, () => Objective, guidance?: number][] = [
  ["diff-instruct", () => new DiffInstruct()],
  ["diff-instruct, edm", () => new DiffInstruct({ weighting: "edm" })],
  ["guided diff-instruct", () => new DiffInstruct(), 1.5],
  ["vsd", () => new Vsd({ rank: 2 })],
  ["dmd", () => new Dmd()],
  ["dmd with regression", () => new Dmd({ regressionWeight: 0.25, pairs: { count: 8, steps: 2 } })],
  ["dmd2", () => new Dmd2({ real: realSamples(), discriminatorWeight: 1, generatorWeight: 1 })],
  ["sid", () => new Sid()],
];

describe.each(objectives)("%s", (name, objective, guidance = 1) => {
  const backtracking = (capture: boolean, options: Partial<BacktrackingOptions> = {}) =>
    new Backtracking({
      ...{ teacher, student: student(), objective: objective(), guidance, batchSize: 4 },
      ...{ studentLearningRate: 1e-2, auxiliaryLearningRate: 1e-2, execution: { seed: 4, capture } },
      ...options,
    });

  it("along a trajectory: other targets, then the teacher", () => {
    const path = {
      ...{ teacher, student: student(), steps: 6, nodes: [2, 4, 6], batchSize: 4, learningRate: 1e-2 },
      folder: join(folder, `path of ${name}`),
      ...(name === "vsd" ? { rank: 2 } : {}),
    };
    const trajectory = record(path);
    const seen: Objective[] = [];
    const make = (capture: boolean) => {
      const spied = objective();
      vi.spyOn(spied, "studentSignal");
      seen.push(spied);
      return backtracking(capture, { objective: spied, trajectory, schedule: new StepsPerTarget(3) });
    };
    const captured = compare(make, 10);
    const [plainly, replayed] = seen.map((one) => vi.mocked(one.studentSignal).mock.calls.length);
    // Two plain runs before the first capture, two before that with the teacher, which the last steps replay.
    expect([plainly, replayed]).toEqual([10, 6]);
    expect(captured.step().target).toBe(0);
    captured.dispose();
  });

  it("goes on from a saved state, and with other learning rates", () => {
    const first = compare((capture) => backtracking(capture, { auxiliarySteps: 2 }), 5);
    const state = contents(first.state());
    const whole = Array.from({ length: 4 }, () => first.step());
    const second = backtracking(true, { auxiliarySteps: 2 });
    for (let step = 0; step < 4; step++) second.step();
    const third = backtracking(true, { auxiliarySteps: 2 });
    for (let step = 0; step < 5; step++) third.step();
    expect(contents(third.state())).toEqual(state);
    // Into one that replays already.
    second.loadState(third.state());
    expect(Array.from({ length: 4 }, () => second.step())).toEqual(whole);
    for (const work of [second, third]) work.dispose();
    const slower = (capture: boolean) => {
      const work = backtracking(capture);
      for (let step = 0; step < 4; step++) work.step();
      work.scaleLearningRate(0.3);
      return work;
    };
    compare(slower, 4).dispose();
    first.dispose();
  });
});

test("a student of several steps: one capture for each number of them", () => {
  compare(
    (capture) =>
      new Backtracking({
        ...{ teacher, student: student([0.8, 0.2]), batchSize: 4, execution: { seed: 2, capture } },
      }),
    14,
  ).dispose();
});

test.each([
  ["diff-instruct", () => new DiffInstruct(), {}],
  ["vsd", () => new Vsd({ rank: 2 }), {}],
  ["sid", () => new Sid(), {}],
  [
    "diff-instruct in bf16, channels-last",
    () => new DiffInstruct(),
    { precision: "bf16", memoryFormat: "channels-last" },
  ],
] as [string, () => Objective, Partial<Computation>][])("a U-Net with dropout: %s", (_, objective, how) => {
  const { teacher, student } = scene(unet, how);
  compare(
    (capture) =>
      new Backtracking({
        ...{ teacher, student: student(), objective: objective(), batchSize: 4, execution: { capture } },
      }),
    4,
  ).dispose();
});

const directObjectives: [string, () => DirectObjective][] = [
  ["regression", () => new Regression({ pairs: { count: 8, steps: 2 } })],
  ["consistency", () => new Consistency({ data: realSamples(), levels: 4, targetDecay: 0.5 })],
];

test.each(directObjectives)("%s", (_, objective) => {
  compare(
    (capture) =>
      new DirectDistillation({
        ...{ teacher, student: student(), objective: objective(), batchSize: 4, execution: { capture } },
      }),
    6,
  ).dispose();
});

test("imitation", () => {
  const make = (capture: boolean) =>
    new Imitation({ teacher, student: student([], network(8)), batchSize: 4, execution: { capture } });
  compare(make, 6).dispose();
});

test.each([
  ["all weights", {}],
  ["adapters", { rank: 2 }],
])("recording: %s", (kind, options) => {
  const make = (capture: boolean) =>
    new Recording({
      ...{ teacher, student: student(), steps: 8, nodes: [2, 4, 6, 8], batchSize: 4, ...options },
      ...{ execution: { capture }, folder: join(folder, `${kind} ${capture}`) },
    });
  compare(make, 8).dispose();
});

describe("is refused", () => {
  test("for a batch in parts", () => {
    const execution = { microBatch: 2, capture: true };
    expect(() => new Backtracking({ teacher, student: student(), batchSize: 4, execution })).toThrow(
      '"capture": a batch in 2 parts cannot be captured; leave "microBatch" or "capture" out',
    );
  });

  test("for several processes", () => {
    const processes = new Processes({ size: 2, rank: 0 } as ProcessGroup);
    expect(() => requireCapturable(1, processes)).toThrow(
      '"capture": 2 processes average gradients outside of a captured step; use one process, or do not capture',
    );
  });

  test("for networks that compute activations again", () => {
    const { teacher, student } = scene(unet, { activationCheckpointing: true });
    const work = new Backtracking({
      teacher,
      student: student(),
      batchSize: 4,
      execution: { capture: true },
    });
    const steps = () => {
      for (let step = 0; step < 3; step++) work.step();
    };
    expect(steps).toThrow("a step that is being captured cannot read or set the state of a generator");
    work.dispose();
  });
});
