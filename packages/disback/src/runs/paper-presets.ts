import type { SettingsTree } from "./settings/layers.js";

/** The decay per step of an average whose half-life is a number of samples. */
const halving = (samples: number, batchSize: number) => Number((0.5 ** (batchSize / samples)).toPrecision(8));

/** The paper's distribution matching methods start at the teacher's weights, without a trajectory. */
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
 * FastGen, as far as there is a setting here. Not here: weight decay, clipping of gradients, warm-up of the learning
 * rate, RAdam, augmentation, dropout. Used by no default; for machines that can train such models.
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
    ...{ iterations: 1_171_875, sida: { alpha: 1 } },
  }),
  "dmd2-imagenet64": paper(80, {
    objective: "dmd2",
    ...{ batchSize: 280, betas: [0.9, 0.999], ...rates(2e-6), auxiliarySteps: 5, iterations: 82_000 },
    dmd2: { generatorWeight: 3e-3, discriminatorWeight: 1e-2 },
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
    ...{ emaDecay: 0.9993, ect: { base: 2, stageSteps: 25_000, stages: 8 } },
  }),
  "ect-cifar10-hour": paper(80, {
    objective: "ect",
    ...{ batchSize: 128, betas: [0.9, 0.999], studentLearningRate: 1e-4, iterations: 8_000 },
    ...{ emaDecay: 0.9993, ect: { base: 256, stages: 1 } },
  }),
  "tcm-cifar10": paper(80, {
    objective: "tcm",
    ...{ batchSize: 1024, betas: [0.9, 0.999], studentLearningRate: 5e-5, emaDecay: 0.9999 },
    ...{ iterations: 500_000, tcm: { firstSteps: 200_000, stageSteps: 25_000 } },
  }),
};
