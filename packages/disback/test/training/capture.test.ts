import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, type ProcessGroup, randn, type State, zeros } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it, test, vi } from "vitest";
import { Backtracking, type BacktrackingOptions } from "../../src/distill/backtrack.js";
import { DirectDistillation } from "../../src/distill/direct-distillation.js";
import type { DirectObjective } from "../../src/distill/direct-objective.js";
import { Imitation } from "../../src/distill/imitate.js";
import type { Objective } from "../../src/distill/objective.js";
import { Consistency } from "../../src/distill/objectives/consistency.js";
import { DiffInstruct } from "../../src/distill/objectives/diff-instruct.js";
import { Dmd } from "../../src/distill/objectives/dmd.js";
import { Dmd2 } from "../../src/distill/objectives/dmd2.js";
import { Guided } from "../../src/distill/objectives/guided.js";
import { Regression } from "../../src/distill/objectives/regression.js";
import { Sid } from "../../src/distill/objectives/sid.js";
import { Vsd } from "../../src/distill/objectives/vsd.js";
import { Processes } from "../../src/training/processes.js";
import { Recording, record } from "../../src/distill/record.js";
import { SamplePool } from "../../src/distill/sample-pool.js";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { StepsPerTarget } from "../../src/distill/target-schedule.js";
import { requireRecordable } from "../../src/distill/training-step.js";
import { type Computation, computing } from "../../src/models/computation.js";
import {
  createDenoiser,
  type DenoiserConfigInput,
  parseDenoiserConfig,
  sampleShape,
} from "../../src/models/config.js";
import type { DenoiserModule } from "../../src/models/denoiser.js";

// Everything here is compared bit for bit with the plain steps, which other tests hold against references.

/** A teacher of samples with three classes, and students that start as it does. */
function scene(config: DenoiserConfigInput, how: Partial<Computation> = {}) {
  const parsed = parseDenoiserConfig({ ...config, labelDim: 3 });
  const network = (seed: number) => createDenoiser(parsed, { generator: new Generator(seed) });
  const shape = sampleShape(parsed);
  const teacher = computing(network(1), {
    ...{ precision: "f32", memoryFormat: "contiguous", activationCheckpointing: false, ...how },
  }).requiresGrad_(false);
  const student = (laterSigmas: number[] = [], denoiser: DenoiserModule = teacher.clone()) =>
    new DenoiserStudent(denoiser.requiresGrad_(true), {
      ...{ sigmaInit: 2.5, laterSigmas, sampleShape: shape, labelDim: 3 },
    });
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
    condition: zeros([20, 3]).add(1 / 3),
  });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-graphs-"));
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

/** Steps of both kinds side by side. @returns the recorded one */
function compare<Kind extends Work>(make: (graphs: boolean) => Kind, steps: number): Kind {
  const [plain, recorded] = [make(false), make(true)];
  for (let step = 0; step < steps; step++) expect(recorded.step(), `step ${step}`).toEqual(plain.step());
  expect(contents(recorded.state())).toEqual(contents(plain.state()));
  plain.dispose();
  return recorded;
}

const objectives: [string, () => Objective][] = [
  ["diff-instruct", () => new DiffInstruct()],
  ["diff-instruct, edm", () => new DiffInstruct({ weighting: "edm" })],
  ["guided diff-instruct", () => new Guided(new DiffInstruct(), 1.5)],
  ["vsd", () => new Vsd({ rank: 2 })],
  ["dmd", () => new Dmd()],
  ["dmd with regression", () => new Dmd({ regressionWeight: 0.25, pairs: { count: 8, steps: 2 } })],
  ["dmd2", () => new Dmd2({ real: realSamples(), discriminatorWeight: 1, generatorWeight: 1 })],
  ["sid", () => new Sid()],
];

describe.each(objectives)("%s", (name, objective) => {
  const backtracking = (graphs: boolean, options: Partial<BacktrackingOptions> = {}) =>
    new Backtracking({
      ...{ teacher, generator: student(), objective: objective(), batchSize: 4, seed: 4 },
      ...{ studentLearningRate: 1e-2, auxiliaryLearningRate: 1e-2, graphs, ...options },
    });

  it("along a trajectory: other targets, then the teacher", () => {
    const path = {
      ...{ teacher, generator: student(), steps: 6, interval: 2, batchSize: 4, learningRate: 1e-2 },
      folder: join(folder, `path of ${name}`),
      ...(name === "vsd" ? { rank: 2 } : {}),
    };
    const trajectory = record(path);
    const seen: Objective[] = [];
    const make = (graphs: boolean) => {
      const spied = objective();
      vi.spyOn(spied, "studentSignal");
      seen.push(spied);
      return backtracking(graphs, { objective: spied, trajectory, schedule: new StepsPerTarget(3) });
    };
    const recorded = compare(make, 10);
    expect(recorded.target).toBe(0);
    const [plainly, replayed] = seen.map((one) => vi.mocked(one.studentSignal).mock.calls.length);
    // Two plain runs before the first recording, two before that with the teacher, which the last steps replay.
    expect([plainly, replayed]).toEqual([10, 6]);
    recorded.dispose();
  });

  it("goes on from a saved state, and with other learning rates", () => {
    const first = compare((graphs) => backtracking(graphs, { auxiliarySteps: 2 }), 5);
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
    const slower = (graphs: boolean) => {
      const work = backtracking(graphs);
      for (let step = 0; step < 4; step++) work.step();
      work.scaleLearningRate(0.3);
      return work;
    };
    compare(slower, 4).dispose();
    first.dispose();
  });
});

test("a student of several steps: one recording for each number of them", () => {
  compare(
    (graphs) =>
      new Backtracking({
        ...{ teacher, generator: student([0.8, 0.2]), batchSize: 4, seed: 2, graphs },
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
    (graphs) =>
      new Backtracking({ teacher, generator: student(), objective: objective(), batchSize: 4, graphs }),
    4,
  ).dispose();
});

const directObjectives: [string, () => DirectObjective][] = [
  ["regression", () => new Regression({ pairs: { count: 8, steps: 2 } })],
  ["consistency", () => new Consistency({ data: realSamples(), levels: 4, targetDecay: 0.5 })],
];

test.each(directObjectives)("%s", (_, objective) => {
  compare(
    (graphs) =>
      new DirectDistillation({ teacher, generator: student(), objective: objective(), batchSize: 4, graphs }),
    6,
  ).dispose();
});

test("imitation", () => {
  const make = (graphs: boolean) => {
    return new Imitation({ teacher, generator: student([], network(8)), batchSize: 4, graphs });
  };
  compare(make, 6).dispose();
});

test.each([
  ["all weights", {}],
  ["adapters", { rank: 2 }],
])("recording: %s", (kind, options) => {
  const make = (graphs: boolean) =>
    new Recording({
      ...{ teacher, generator: student(), steps: 8, interval: 2, batchSize: 4, graphs, ...options },
      folder: join(folder, `${kind} ${graphs}`),
    });
  compare(make, 8).dispose();
});

describe("is refused", () => {
  test("for a batch in parts", () => {
    const options = { teacher, generator: student(), batchSize: 4, microBatch: 2, graphs: true };
    expect(() => new Backtracking(options)).toThrow(
      '"cudaGraphs": a batch in 2 parts cannot be recorded; leave "microBatch" or the graphs out',
    );
  });

  test("for several processes", () => {
    const processes = new Processes({ size: 2, rank: 0 } as ProcessGroup);
    expect(() => requireRecordable(1, processes)).toThrow(
      '"cudaGraphs": 2 processes average gradients outside of a graph; use one process, or no graphs',
    );
  });

  test("for networks that compute activations again", () => {
    const { teacher, student } = scene(unet, { activationCheckpointing: true });
    const work = new Backtracking({ teacher, generator: student(), batchSize: 4, graphs: true });
    const steps = () => {
      for (let step = 0; step < 3; step++) work.step();
    };
    expect(steps).toThrow("a step that is being recorded cannot read or set the state of a generator");
    work.dispose();
  });
});
