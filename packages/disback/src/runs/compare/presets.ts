import type { SettingsTree } from "../settings/layers.js";

const baseline = { "diff-instruct": { method: "diff-instruct" } };
/** The paper's fixed schedules. */
const fixed = {
  recording: { when: "always", nodes: "even-steps", steps: 40, interval: 10, learningRate: 2e-4 },
  backtracking: { schedule: "steps", stepsPerTarget: 8 },
};
/** The defaults: recorded only if needed, nodes evenly spaced, targets left as soon as they are reached. */
const adaptive = { "disback-adaptive": { method: "disback" } };

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
    teacher: "2d-ring",
    students: ["same", "untrained", "small"],
    seeds: [1, 2, 3],
    methods: { ...baseline, disback: { method: "disback", ...fixed }, ...adaptive },
    learningRates: { student: [3e-5, 1e-4, 3e-4, 1e-3], auxiliaryFactors: [1, 2, 5], seeds: [101, 102] },
    common: {
      data: "toy:ring",
      recording: { batchSize: 512 },
      backtracking: { batchSize: 512, iterations: 400 },
      evaluation: { every: 20, samples: 4000, batchSize: 4000, grid: 1000 },
      checkpoints: { every: 200 },
    },
  },
  "fashion-mnist-16": {
    teacher: "fashion-mnist-16",
    students: ["same", "untrained", "small"],
    seeds: [1, 2, 3],
    methods: {
      ...baseline,
      disback: { method: "disback", ...fixed },
      "disback-spaced": {
        method: "disback",
        recording: { ...fixed.recording, steps: 100, nodeSteps: [10, 25, 50, 100] },
        backtracking: { ...fixed.backtracking, stepsPerTarget: 15 },
      },
      ...adaptive,
    },
    learningRates: { student: [1e-5, 3e-5, 1e-4, 3e-4, 1e-3], auxiliaryFactors: [2], seeds: [101] },
    common: {
      backtracking: { iterations: 300, batchSize: 128 },
      evaluation: { every: 10, samples: 2000 },
      checkpoints: { every: 100 },
    },
    perStudent: {
      untrained: {
        backtracking: { iterations: 500, studentLearningRate: 2e-4, auxiliaryLearningRate: 4e-4 },
        evaluation: { every: 20 },
      },
      small: {
        backtracking: { iterations: 500, studentLearningRate: 2e-4, auxiliaryLearningRate: 4e-4 },
        evaluation: { every: 20 },
      },
    },
  },
};
