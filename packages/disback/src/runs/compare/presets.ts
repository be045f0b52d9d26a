import { layer, type SettingsTree } from "../settings/layers.js";
import { objectiveDefaults } from "../settings/objective-defaults.js";
import {
  isDirectName,
  isLanguageName,
  type ObjectiveName,
  objectiveNames,
} from "../settings/objective-names.js";

const baseline = { "diff-instruct": { method: "plain" } };
/** The paper's method and fixed schedules: always with a trajectory. */
const fixed = {
  recording: { nodes: "even-steps", steps: 40, interval: 10, learningRate: 2e-4 },
  backtracking: { schedule: "steps", stepsPerTarget: 8 },
};
const paper = { "disback-paper": { method: "disback", ...fixed } };
/** Always a trajectory, with evenly spaced nodes and targets left as soon as they are reached; nothing else. */
const path = {
  "disback-path": { method: "disback" },
};
/** The same with other settings. */
const along = (settings: SettingsTree) => layer(path["disback-path"], settings);
/** The defaults: imitation for students that are not copies, and no trajectory after it. */
const defaults = { disback: { method: "auto" } };

/** The baseline and the defaults, both with a changed setting of the distillation. */
const bothWith = (name: string, backtracking: SettingsTree) => ({
  [`diff-instruct-${name}`]: { method: "plain", backtracking },
  [`disback-${name}`]: { method: "auto", backtracking },
});

/** The 2-D teacher; on these seeds no setting was chosen. */
const points = {
  teacher: "2d-ring",
  seeds: [11, 12, 13],
  learningRates: { student: [1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2], auxiliaryFactors: [2], seeds: [101] },
  common: {
    data: "toy:ring",
    recording: { batchSize: 512 },
    backtracking: { batchSize: 512, iterations: 400 },
    evaluation: { every: 20, samples: 4000, batchSize: 4000, grid: 1000 },
    checkpoints: { every: 200 },
  },
};

/** Objectives by name, alone and, where possible, along a trajectory. */
function objectives(names: readonly ObjectiveName[], trajectories: boolean): Record<string, SettingsTree> {
  const alone = names.map((objective) => [objective, { method: "plain", backtracking: { objective } }]);
  const walking = names
    .filter((objective) => trajectories && !isDirectName(objective))
    .map((objective) => [`${objective}-path`, along({ backtracking: { objective } })]);
  return Object.fromEntries([...alone, ...walking]);
}
/** DMD2 also needs real samples; image data are not shipped. */
const dataFree = ["diff-instruct", "vsd", "dmd", "sid", "consistency", "regression"] as const;

/** Long enough to see whether something works and how fast it starts. */
const brief = { studentLearningRate: 5e-4, auxiliaryLearningRate: 1e-3, emaDecay: 0.97 };
const brief2d = {
  data: "toy:ring",
  backtracking: { batchSize: 128, iterations: 200, ...brief },
  evaluation: { every: 25, samples: 2000, batchSize: 2000, grid: 500 },
  checkpoints: { every: 250 },
};
const briefFashion = {
  backtracking: { batchSize: 32, iterations: 100, ...brief },
  evaluation: { every: 25, samples: 1000 },
  checkpoints: { every: 100 },
};

/** Those for denoisers. */
const ranked = objectiveNames.filter((name) => !isLanguageName(name) && name !== "output-matching");

/**
 * Every objective at its own best rates, chosen on another seed, for as many processor seconds; students are the teacher's
 * copy and one of a quarter of its size that starts from nothing. `bench/ranking.mjs` runs these settings in one process.
 */
const ranking = {
  protocol: "best",
  students: ["same", "small"],
  seeds: [1, 2, 3],
  methods: objectives(ranked, false),
  learningRates: { student: [1e-4, 3e-4, 1e-3, 3e-3, 1e-2], auxiliaryFactors: [2], seeds: [101] },
};
/** Stages of the length that a run of so many steps of `ect` has room for. */
const stagesWithin = (steps: number) => ({
  ect: { stageSteps: Math.round(steps / 10) },
  tcm: { stageSteps: Math.round(steps / 15), firstSteps: Math.round(steps / 2) },
  scm: { warmupSteps: Math.round(steps / 6) },
});
/** A teacher of other data than the ring: `disback teacher train --preset 2d --data toy:grid`, and `--teacher`. */
const rankingOfPoints = (data: string) => ({
  ...ranking,
  common: {
    data,
    backtracking: {
      ...{ batchSize: 128, iterations: 100_000, processorSeconds: 4, emaDecay: 0.97 },
      pairs: { count: 1000 },
      ...stagesWithin(600),
    },
    evaluation: { every: 25, samples: 2000, batchSize: 2000, grid: 1000 },
    checkpoints: { every: 1000 },
  },
});
/** Give the images with `--data`. The student of a quarter imitates the teacher first, which is not in its 10 seconds. */
const rankingOfImages = (pairs: number, steps: number) => ({
  ...ranking,
  common: {
    backtracking: {
      ...{ batchSize: 16, iterations: 100_000, processorSeconds: 10, emaDecay: 0.97 },
      pairs: { count: pairs },
      ...stagesWithin(steps),
    },
    evaluation: { every: 50, samples: 1000, batchSize: 250 },
    checkpoints: { every: 1000 },
  },
  perStudent: { small: { imitation: { when: "always", of: "step", batchSize: 16 } } },
});
/** Whether an objective's own default is a higher noise level of the student's step. */
const startsHigher = (name: ObjectiveName) => objectiveDefaults[name]?.sigmaInit !== undefined;
/**
 * Galaxies of `bench/galaxies/hsc32.mjs`: give it with `--teacher`, and samples of it with `--data`. The noise level of the
 * step is that of docs/galaxies.md. `meanflow` needs a network of ours.
 */
const rankingOfGalaxies = {
  ...rankingOfImages(100, 150),
  students: ["same"],
  methods: Object.fromEntries(
    ranked
      .filter((name) => name !== "meanflow")
      .map((objective) => [
        objective,
        {
          ...{ method: "plain", backtracking: { objective } },
          ...(startsHigher(objective) ? {} : { sigmaInit: 5 }),
        },
      ]),
  ),
};

const fewSteps = {
  students: ["same"],
  seeds: [1],
  baseline: "one-step",
  methods: {
    "one-step": { method: "plain" },
    "two-steps": { method: "plain", studentSteps: 2 },
    "four-steps": { method: "plain", studentSteps: 4 },
  },
  learningRates: { student: [1e-4, 5e-4, 2e-3], auxiliaryFactors: [2], seeds: [101] },
};

/** Students of images of 16 x 16: small batches, many updates. */
const small16 = {
  imitation: { batchSize: 16 },
  recording: { batchSize: 16 },
  backtracking: {
    batchSize: 16,
    emaDecay: 0.98,
    studentLearningRate: 3e-4,
    auxiliaryLearningRate: 6e-4,
  },
  checkpoints: { every: 200 },
};
const images16 = {
  students: ["same", "untrained", "small"],
  seeds: [1, 2, 3],
  methods: { ...baseline, ...paper, ...path, ...defaults },
  learningRates: { student: [1e-5, 1e-4, 3e-4, 1e-3, 3e-3], auxiliaryFactors: [2], seeds: [101] },
  common: {
    ...small16,
    backtracking: { ...small16.backtracking, iterations: 300 },
    evaluation: { every: 30, samples: 1000 },
  },
  perStudent: { same: { backtracking: { iterations: 120 }, evaluation: { every: 15 } } },
};

const best = {
  protocol: "best",
  students: ["untrained", "small"],
  methods: { ...baseline, ...paper, ...defaults },
};

/** `disback compare --preset NAME` */
export const comparePresets: Readonly<Record<string, SettingsTree>> = {
  /** Seconds: shows that everything works, not who is faster. */
  "2d-smoke": {
    teacher: "2d-ring",
    students: ["untrained"],
    seeds: [1, 2],
    methods: {
      ...baseline,
      disback: {
        method: "disback",
        ...fixed,
        recording: { ...fixed.recording, steps: 12, interval: 4 },
        backtracking: { ...fixed.backtracking, stepsPerTarget: 4 },
      },
    },
    learningRates: { student: [2e-4, 1e-3], seeds: [101] },
    common: {
      data: "toy:ring",
      recording: { batchSize: 128 },
      backtracking: {
        batchSize: 128,
        iterations: 40,
        studentLearningRate: 1e-3,
        auxiliaryLearningRate: 2e-3,
        emaDecay: 0.9,
      },
      evaluation: { every: 5, samples: 1000, batchSize: 1000, grid: 200 },
      checkpoints: { every: 20 },
    },
  },
  "2d": {
    ...points,
    students: ["same", "untrained", "small"],
    methods: { ...baseline, ...paper, ...path, ...defaults },
  },
  "2d-best": { ...points, ...best },
  /** The effect of smaller node storage on the result: docs/trajectories.md. */
  "nodes-2d": {
    ...points,
    students: ["untrained"],
    seeds: [1, 2, 3],
    methods: Object.fromEntries(
      ["full", "half", "difference", "low-rank"].map((storage, index) => [
        storage,
        along(index < 2 ? { ablation: { storage } } : { recording: { storage } }),
      ]),
    ),
    baseline: "full",
    common: layer(points.common, {
      recording: { batchSize: 256 },
      backtracking: {
        batchSize: 256,
        iterations: 200,
        studentLearningRate: 3e-4,
        auxiliaryLearningRate: 6e-4,
      },
      evaluation: { every: 25, grid: 400 },
    }),
  },
  /** The effect of each part of the method where a trajectory matters: an untrained student, a small learning rate. */
  "2d-ablations": {
    ...points,
    students: ["untrained"],
    methods: {
      ...baseline,
      ...path,
      "two-nodes": along({ recording: { maximumNodes: 2 } }),
      "twelve-nodes": along({ recording: { maximumNodes: 12 } }),
      "nodes-by-steps": along({ recording: { nodes: "even-steps", steps: 64, interval: 16 } }),
      "switch-by-steps": along({ backtracking: { schedule: "steps", stepsPerTarget: 20 } }),
      "switch-late": along({ backtracking: { stepsPerTarget: 60 } }),
      interpolated: along({ ablation: { interpolation: 3 }, backtracking: { stepsPerTarget: 5 } }),
      "only-start": along({ ablation: { use: "start" } }),
      "only-targets": along({ ablation: { use: "targets" } }),
      imitation: { method: "auto" },
      "imitation-and-path": { method: "disback", imitation: { when: "always" } },
      // Improvements that the baseline may use as well.
      ...bothWith("two-auxiliary-steps", { auxiliarySteps: 2 }),
      ...bothWith("low-noise-weighted", { diffInstruct: { weighting: "noise" } }),
    },
  },
  "fashion-mnist-16": { teacher: "fashion-mnist-16", ...images16 },
  /** Each method at its own best rates. For a copy, the default is identical to the baseline. */
  "fashion-mnist-16-best": { teacher: "fashion-mnist-16", ...images16, ...best },
  "cifar10-16": { teacher: "cifar10-16", ...images16 },
  "cifar10-16-best": { teacher: "cifar10-16", ...images16, ...best },
  "cifar10-16-unconditional": {
    teacher: "cifar10-16",
    unconditional: true,
    ...images16,
    methods: { ...baseline, ...paper, ...defaults },
  },
  /** Every objective with the same rates and budget: shows that each works and how fast it starts, not a ranking. */
  "objectives-2d": {
    teacher: "2d-ring",
    students: ["untrained"],
    seeds: [1],
    methods: objectives([...dataFree, "dmd2"], true),
    learningRates: { student: [1e-4, 5e-4, 2e-3], auxiliaryFactors: [2], seeds: [101] },
    common: layer(brief2d, {
      recording: { batchSize: 128, steps: 100 },
      backtracking: { pairs: { count: 1000 } },
    }),
  },
  "objectives-ring": { teacher: "2d-ring", ...rankingOfPoints("toy:ring") },
  "objectives-checkerboard": rankingOfPoints("toy:checkerboard"),
  "objectives-grid": rankingOfPoints("toy:grid"),
  "objectives-fashion-mnist-16": { teacher: "fashion-mnist-16", ...rankingOfImages(160, 200) },
  "objectives-cifar10-16": { teacher: "cifar10-16", ...rankingOfImages(80, 100) },
  "objectives-galaxies": rankingOfGalaxies,
  /** Students of one, two and four steps, which start as the teacher's copy. */
  "few-steps-2d": {
    teacher: "2d-ring",
    ...fewSteps,
    common: brief2d,
  },
  "few-steps-fashion-mnist-16": {
    teacher: "fashion-mnist-16",
    ...fewSteps,
    common: briefFashion,
  },
};
