import type { SettingsTree } from "./settings/layers.js";

/** The decay per step of an average whose half-life is a number of samples. */
const halving = (samples: number, batchSize: number) => Number((0.5 ** (batchSize / samples)).toPrecision(8));

/** All start at the teacher's weights, without a trajectory. */
const paper = (sigmaInit: number, backtracking: SettingsTree): SettingsTree => ({
  ...{ method: "plain", student: "same", sigmaInit },
  backtracking,
});

const rates = (student: number, auxiliary = student) => ({
  studentLearningRate: student,
  auxiliaryLearningRate: auxiliary,
});

/**
 * `disback distill --preset NAME --teacher … --data …`: each paper's own settings, from its released code or NVIDIA's
 * FastGen, as far as there is a setting here. Not here: weight decay, clipping of gradients, warm-up and decay of the
 * learning rate, RAdam, augmentation, dropout. Used by no default. Diff-Instruct's and MeanFlow's numbers of iterations
 * are not known to us: give `--iterations`.
 */
export const paperPresets: Readonly<Record<string, SettingsTree>> = {
  "diff-instruct-cifar10": paper(1, {
    objective: "diff-instruct",
    ...{ batchSize: 128, betas: [0, 0.999], ...rates(1e-5), emaDecay: halving(500_000, 128) },
  }),
  "sid-cifar10": paper(2.5, {
    objective: "sid",
    ...{ batchSize: 256, betas: [0, 0.999], ...rates(1e-5), emaDecay: halving(500_000, 256) },
    ...{ iterations: 1_953_125, sid: { alpha: 1.2 } },
  }),
  "sida-cifar10": paper(2.5, {
    objective: "sida",
    ...{ batchSize: 256, betas: [0, 0.999], ...rates(1e-5), emaDecay: halving(500_000, 256) },
    ...{ iterations: 1_171_875, sida: { alpha: 1, generatorWeight: 1e-4 } },
  }),
  "dmd2-imagenet64": paper(80, {
    objective: "dmd2",
    ...{ batchSize: 280, betas: [0.9, 0.999], ...rates(2e-6), auxiliarySteps: 5, iterations: 82_000 },
    ...{ emaDecay: 0, dmd2: { generatorWeight: 3e-3, discriminatorWeight: 1e-2 } },
  }),
  // FastGen trains the student in every fifth iteration, the auxiliary model in the other four.
  "dmd2-cifar10": paper(80, {
    objective: "dmd2",
    ...{ batchSize: 2048, betas: [0.9, 0.999], ...rates(1e-4), auxiliarySteps: 4, iterations: 20_000 },
    ...{ emaDecay: 0.9999, dmd2: { generatorWeight: 1e-3 } },
  }),
  "f-distill-cifar10": paper(80, {
    objective: "f-distill",
    ...{ batchSize: 2048, betas: [0.9, 0.999], ...rates(1e-4), auxiliarySteps: 4, iterations: 20_000 },
    ...{ emaDecay: 0.9999, fDistill: { divergence: "forward-kl", generatorWeight: 1e-3 } },
  }),
  "f-distill-imagenet64": paper(80, {
    objective: "f-distill",
    ...{ batchSize: 512, betas: [0.9, 0.999], ...rates(2e-6), auxiliarySteps: 4, iterations: 120_000 },
    ...{ emaDecay: 0.9999, fDistill: { divergence: "jensen-shannon", generatorWeight: 3e-3 } },
  }),
  "ect-cifar10": paper(80, {
    objective: "ect",
    ...{ batchSize: 128, betas: [0.9, 0.999], studentLearningRate: 1e-4, iterations: 200_000 },
    ...{ emaDecay: 0.9999, ect: { base: 2, stageSteps: 25_000, stages: 8 } },
  }),
  "ect-cifar10-hour": paper(80, {
    objective: "ect",
    ...{ batchSize: 128, betas: [0.9, 0.999], studentLearningRate: 1e-4, iterations: 8_000 },
    ...{ emaDecay: 0.9993, ect: { base: 256, stages: 1 } },
  }),
  // The first stage is that of ect-cifar10 here; the paper starts from a finished consistency model.
  "tcm-cifar10": paper(80, {
    objective: "tcm",
    ...{ batchSize: 1024, betas: [0.9, 0.999], studentLearningRate: 5e-5, iterations: 500_000 },
    ...{ emaDecay: 0.9999, tcm: { firstSteps: 200_000, stageSteps: 25_000 } },
  }),
  "scm-cifar10": paper(80, {
    objective: "scm",
    ...{ batchSize: 512, betas: [0.9, 0.99], studentLearningRate: 1e-4, iterations: 500_000 },
    ...{ emaDecay: 0.9999, scm: { warmupSteps: 10_000, learnedWeight: true } },
  }),
  "meanflow-cifar10": paper(80, {
    objective: "meanflow",
    ...{ batchSize: 1024, betas: [0.9, 0.999], studentLearningRate: 6e-4, emaDecay: 0.9999 },
    meanflow: { velocity: "data", intervalShare: 0.75, power: 0.75 },
  }),
};
