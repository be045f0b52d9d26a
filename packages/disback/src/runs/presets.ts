import { paperPresets } from "./paper-presets.js";
import { layer, type SettingsTree } from "./settings/layers.js";

type Presets = Readonly<Record<string, SettingsTree>>;

/** Networks of the shipped teachers. */
const NETWORKS = {
  points: { network: "mlp", dimension: 2, hiddenChannels: 128, blocks: 4 },
  fashion16: {
    network: "song-unet",
    imageResolution: 16,
    imageChannels: 1,
    modelChannels: 16,
    channelMultipliers: [1, 2, 2],
    blocksPerResolution: 1,
    attentionResolutions: [],
    dropout: 0,
  },
  fashion32: {
    network: "song-unet",
    imageResolution: 32,
    imageChannels: 1,
    modelChannels: 16,
    channelMultipliers: [1, 2, 4],
    blocksPerResolution: 1,
    attentionResolutions: [8],
    dropout: 0,
  },
  cifar16: {
    network: "song-unet",
    imageResolution: 16,
    imageChannels: 3,
    modelChannels: 24,
    channelMultipliers: [1, 2, 2],
    blocksPerResolution: 1,
    attentionResolutions: [],
    dropout: 0,
  },
  cifar10: {
    network: "song-unet",
    imageResolution: 32,
    imageChannels: 3,
    modelChannels: 64,
    channelMultipliers: [1, 2, 2],
    blocksPerResolution: 2,
    attentionResolutions: [16],
    dropout: 0.1,
  },
};

/** One-hot letters are certain in less noise, and nothing can be said of them in more. */
const letterNoise = { noiseMean: -0.4, noiseStandardDeviation: 0.8 };

/** Clips of 8 frames; the data's are toys. */
const CLIPS = { frames: 8, imageResolution: 16, imageChannels: 1 };
const VIDEO = {
  unet: {
    ...{ network: "video-unet", ...CLIPS, modelChannels: 32, channelMultipliers: [1, 2, 2] },
    ...{ blocksPerResolution: 1, attentionResolutions: [], dropout: 0 },
  },
  transformer: {
    ...{ network: "video-dit", ...CLIPS, framesPerPatch: 2, patchSize: 4 },
    ...{ layers: 4, heads: 4, channelsPerHead: 32 },
  },
};

/** `disback teacher train --preset NAME`; images need `--data`. */
export const teacherPresets: Presets = {
  "2d": {
    data: "toy:ring",
    conditional: false,
    model: NETWORKS.points,
    training: { iterations: 4000, batchSize: 256, learningRate: 2e-3, averageHalfLife: 25_000 },
    evaluation: { every: 1000, samples: 4000, grid: 4000 },
    checkpoints: { every: 1000 },
  },
  "fashion-mnist-16": {
    seed: 16,
    resolution: 16,
    conditional: true,
    model: NETWORKS.fashion16,
    training: {
      iterations: 3600,
      batchSize: 64,
      learningRate: 3e-3,
      rampUp: 300,
      decayFrom: 1200,
      averageHalfLife: 20_000,
    },
    evaluation: { every: 600, samples: 1000, grid: 100 },
    checkpoints: { every: 200 },
  },
  "fashion-mnist-32": {
    seed: 32,
    resolution: 32,
    conditional: true,
    model: NETWORKS.fashion32,
    training: {
      iterations: 3500,
      batchSize: 32,
      learningRate: 2e-3,
      rampUp: 300,
      decayFrom: 1600,
      averageHalfLife: 20_000,
    },
    evaluation: { every: 1000, samples: 1000, grid: 100 },
    checkpoints: { every: 200 },
  },
  "cifar10-16": {
    seed: 10,
    resolution: 16,
    conditional: true,
    model: NETWORKS.cifar16,
    training: {
      iterations: 7000,
      batchSize: 64,
      learningRate: 2e-3,
      rampUp: 300,
      decayFrom: 2500,
      averageHalfLife: 30_000,
      labelDropout: 0.2,
      flip: true,
    },
    evaluation: { every: 1000, samples: 1000, grid: 100 },
    checkpoints: { every: 250 },
  },
  autoencoder: {
    vae: { latentChannels: 4, channels: [24, 48, 48] },
    training: { iterations: 600, batchSize: 8, learningRate: 2e-3, rampUp: 20, averageHalfLife: 2000 },
    evaluation: { every: 150, samples: 500, grid: 36 },
    checkpoints: { every: 100 },
  },
  gpt: {
    language: { layers: 4, heads: 4, channelsPerHead: 24, textLength: 64 },
    vocabularySize: 512,
    training: { iterations: 2200, batchSize: 32, learningRate: 3e-3, averageHalfLife: 10_000 },
    evaluation: { every: 500, samples: 200, grid: 16 },
    checkpoints: { every: 250 },
  },
  letters: {
    model: {
      network: "text-transformer",
      textLength: 24,
      layers: 3,
      heads: 4,
      channelsPerHead: 24,
      sigmaMin: 0.1,
      sigmaMax: 5,
    },
    training: {
      iterations: 3500,
      batchSize: 64,
      learningRate: 5e-3,
      averageHalfLife: 20_000,
      ...letterNoise,
    },
    evaluation: { every: 500, samples: 500, grid: 16 },
    checkpoints: { every: 250 },
  },
  pairs: {
    resolution: 16,
    model: { ...NETWORKS.fashion16, network: "pair-unet" },
    training: {
      iterations: 2000,
      batchSize: 64,
      learningRate: 3e-3,
      decayFrom: 600,
      averageHalfLife: 15_000,
      // Letters, and what they say of the picture, are decided in more noise than its details.
      noiseMean: -0.6,
      noiseStandardDeviation: 1.4,
    },
    evaluation: { every: 500, samples: 500, grid: 30 },
    checkpoints: { every: 100 },
  },
  video: {
    data: "toy:moving-digits?count=20000",
    model: VIDEO.unet,
    training: {
      iterations: 8000,
      batchSize: 16,
      learningRate: 2e-3,
      rampUp: 100,
      decayFrom: 1000,
      averageHalfLife: 4000,
      labelDropout: 0,
      // A clip shows through more noise than a picture.
      noiseMean: 0.5,
      noiseStandardDeviation: 1.3,
    },
    evaluation: { every: 2000, samples: 100, grid: 20, teacherSteps: 12 },
    checkpoints: { every: 200 },
  },
  "video-dit": {
    data: "toy:moving-digits?count=20000",
    model: VIDEO.transformer,
    training: {
      iterations: 6000,
      batchSize: 32,
      learningRate: 1e-3,
      rampUp: 100,
      decayFrom: 2500,
      averageHalfLife: 12_000,
      labelDropout: 0,
      // A clip shows through more noise than a picture.
      noiseMean: -0.4,
      noiseStandardDeviation: 1.4,
    },
    evaluation: { every: 1000, samples: 200, grid: 20, teacherSteps: 12 },
    checkpoints: { every: 200 },
  },
  cifar10: {
    resolution: 32,
    model: NETWORKS.cifar10,
    training: { iterations: 100_000, batchSize: 64, learningRate: 1e-3, flip: true },
    evaluation: { every: 5000, samples: 5000 },
    checkpoints: { every: 1000 },
  },
};

const points = { batchSize: 512 };

// Measured on two cores: a large learning rate with small batches is fastest, and the average smooths the noise.
const fashion16 = {
  recording: {
    nodes: "even-steps",
    steps: 12,
    interval: 3,
    batchSize: 64,
    learningRate: 1e-3,
  },
  backtracking: {
    batchSize: 64,
    schedule: "steps",
    stepsPerTarget: 4,
    studentLearningRate: 5e-4,
    auxiliaryLearningRate: 1e-3,
    emaDecay: 0.98,
  },
};

/** `disback record --preset NAME` */
export const recordPresets: Presets = {
  demo: { teacher: "fashion-mnist-16", recording: fashion16.recording },
  "fashion-mnist-16": { teacher: "fashion-mnist-16", recording: fashion16.recording },
  "fashion-mnist-32": { teacher: "fashion-mnist-32" },
  "cifar10-16": { teacher: "cifar10-16" },
  cifar10: {},
  emoji: { teacher: "emoji-teacher", recording: { batchSize: 32, steps: 60 } },
  "2d": { teacher: "2d-ring", recording: points },
};

/** `disback backtrack --preset NAME` */
export const backtrackPresets: Presets = {
  demo: {
    backtracking: { ...fashion16.backtracking, iterations: 200 },
    evaluation: { every: 25, grid: 100 },
    checkpoints: { every: 50 },
  },
  "fashion-mnist-16": { backtracking: { ...fashion16.backtracking, iterations: 1000, emaDecay: 0.99 } },
  "fashion-mnist-32": { backtracking: { iterations: 2000 }, evaluation: { every: 100 } },
  "cifar10-16": {
    backtracking: {
      batchSize: 64,
      studentLearningRate: 5e-4,
      auxiliaryLearningRate: 1e-3,
      iterations: 1000,
    },
  },
  cifar10: { backtracking: { iterations: 10_000 }, evaluation: { every: 250, samples: 5000 } },
  emoji: {
    backtracking: {
      batchSize: 32,
      guidance: 2,
      iterations: 200,
      studentLearningRate: 3e-4,
      auxiliaryLearningRate: 1e-3,
      emaDecay: 0.98,
    },
    evaluation: { every: 50, grid: 20, teacherSteps: 12 },
  },
  "2d": {
    data: "toy:ring",
    backtracking: { ...points, iterations: 2000 },
    evaluation: { every: 100, samples: 4000, grid: 4000 },
  },
};

/** Students that are no denoisers, and a GAN as the teacher (docs/generators.md). */
const generatorPresets: Presets = {
  generator: {
    ...{
      teacher: "fashion-mnist-16",
      student: "dcgan",
      studentChannels: 24,
      latentSize: 64,
      method: "plain",
    },
    backtracking: {
      ...{ batchSize: 32, iterations: 600, emaDecay: 0.98 },
      ...{ studentLearningRate: 5e-4, auxiliaryLearningRate: 1e-3 },
    },
    evaluation: { every: 100, grid: 100 },
  },
  "generator-2d": {
    ...{ teacher: "2d-ring", data: "toy:ring", student: "mlp", studentChannels: 128, latentSize: 16 },
    ...{
      method: "plain",
      backtracking: { ...points, iterations: 1000, studentLearningRate: 5e-4, auxiliaryLearningRate: 1e-3 },
    },
    evaluation: { every: 100, samples: 4000, grid: 4000 },
  },
  gan: {
    student: "small",
    backtracking: {
      ...{
        objective: "output-matching",
        batchSize: 32,
        iterations: 300,
        betas: [0.5, 0.999],
        emaDecay: 0.95,
      },
      ...{ studentLearningRate: 1e-3, auxiliaryLearningRate: 2e-4 },
      outputMatching: { adversarialWeight: 0.02 },
    },
    evaluation: { every: 100, grid: 64 },
  },
};

const tinyHalf = {
  ...{ student: "tiny", studentChannels: 16, studentBlocks: 1 },
  recording: { steps: 40, batchSize: 8, learningRate: 5e-4 },
  backtracking: {
    ...{ objective: "output-matching", batchSize: 8, iterations: 600, betas: [0.5, 0.999], emaDecay: 0.98 },
    ...{ studentLearningRate: 2e-3, auxiliaryLearningRate: 2e-4, schedule: "steps", stepsPerTarget: 10 },
  },
  evaluation: { every: 150, samples: 500, grid: 36 },
};

/** Halves of a tiny autoencoder, by TAESD's recipe (docs/generators.md). */
const tinyPresets: Presets = {
  "tiny-decoder": {
    ...tinyHalf,
    half: "decoder",
    backtracking: {
      ...tinyHalf.backtracking,
      outputMatching: { adversarialWeight: 0.01, discriminatorChannels: 16 },
    },
  },
  "tiny-encoder": { ...tinyHalf, half: "encoder" },
};

/** One-step students of clips. */
function clipStudent(batchSize: number): SettingsTree {
  return {
    data: "toy:moving-digits?count=20000",
    sigmaInit: 10,
    recording: { steps: 60, batchSize },
    imitation: { steps: 200, batchSize },
    backtracking: {
      objective: "dmd",
      iterations: 400,
      batchSize,
      studentLearningRate: 5e-4,
      auxiliaryLearningRate: 1e-3,
      emaDecay: 0.98,
    },
    evaluation: { every: 100, samples: 200, grid: 20, teacherSteps: 12 },
  };
}

/** `disback distill --preset NAME`: both stages; and the papers' own settings. */
export const distillPresets: Presets = {
  ...Object.fromEntries(
    Object.keys(recordPresets).map((name) => [name, { ...recordPresets[name], ...backtrackPresets[name] }]),
  ),
  gpt: {
    student: "small",
    recording: { steps: 60, batchSize: 32, learningRate: 3e-4 },
    backtracking: {
      objective: "supervised",
      iterations: 600,
      batchSize: 32,
      studentLearningRate: 2e-3,
      betas: [0.9, 0.999],
      emaDecay: 0.98,
    },
    evaluation: { every: 100, samples: 200, grid: 16 },
  },
  letters: {
    sigmaInit: 2,
    imitation: { steps: 100, batchSize: 64 },
    recording: { steps: 60, batchSize: 64, learningRate: 3e-4, ...letterNoise },
    backtracking: {
      iterations: 150,
      batchSize: 64,
      studentLearningRate: 1e-3,
      auxiliaryLearningRate: 2e-3,
      emaDecay: 0.98,
      diffInstruct: letterNoise,
    },
    evaluation: { every: 25, samples: 500, grid: 16 },
  },
  pairs: {
    backtracking: { ...fashion16.backtracking, iterations: 300 },
    evaluation: { every: 50, samples: 1000, grid: 30 },
  },
  tasks: {
    teacher: "2d-tasks",
    rank: 8,
    // Measured: adapters learn best at four times the usual rates.
    backtracking: {
      ...{ batchSize: 256, iterations: 600, emaDecay: 0.99 },
      ...{ studentLearningRate: 2e-3, auxiliaryLearningRate: 4e-3 },
    },
    evaluation: { every: 100, samples: 3000, grid: 3000 },
  },
  video: layer(clipStudent(16), {
    backtracking: {
      ...{ objective: "diff-instruct", iterations: 200, decay: "cosine" },
      ...{ studentLearningRate: 2.5e-4, auxiliaryLearningRate: 5e-4 },
      // As for the teacher, a clip shows through more noise than a picture.
      diffInstruct: { noiseMean: 0, noiseStandardDeviation: 1.5 },
    },
    evaluation: { every: 50 },
  }),
  "video-dit": clipStudent(32),
  ...generatorPresets,
  ...tinyPresets,
  ...paperPresets,
};
