import { objectiveNames } from "../runs/settings/objective-names.js";
import { grouped, type SettingFlag } from "./setting-flags.js";

export const TEACHER_FLAGS: readonly SettingFlag[] = [
  {
    flags: "--teacher <model>",
    path: "teacher",
    description:
      "teacher: a model folder, a run, a shipped name, a pipeline of Stable Diffusion or Flux, a GAN's checkpoint, or your own module (.mjs)",
  },
  {
    flags: "--unconditional",
    path: "unconditional",
    description: "use a class-conditional teacher without labels; the student is unconditional",
    kind: "switch",
  },
];

/** How a pipeline that draws from text is opened, whatever is done with it. */
export const PIPELINE_FLAGS: readonly SettingFlag[] = [
  {
    flags: "--lora <file>",
    path: "lora",
    description: "text to image: LoRA to merge in, FILE or FILE:weight; may be repeated",
    kind: "repeated",
  },
  {
    flags: "--tokenizer <folder>",
    path: "tokenizer",
    description: "text to image: CLIP's tokenizer, which a checkpoint in one file lacks",
  },
  {
    flags: "--prediction <kind>",
    path: "prediction",
    description: "Stable Diffusion 2 in one file: epsilon or v",
    choices: ["epsilon", "v"],
  },
];

/** Their values, for commands without settings. */
export interface PipelineFlags {
  lora?: string[];
  tokenizer?: string;
  prediction?: "epsilon" | "v";
}

/** What some pipelines draw by. */
const DRAWING_FLAGS: readonly SettingFlag[] = [
  {
    flags: "--embedded-guidance <scale>",
    path: "embeddedGuidance",
    description: "Flux: scale of guidance that the network is told, default 3.5",
    kind: "number",
  },
  {
    flags: "--width <n>",
    path: "width",
    description: "Wan: width of a clip where it differs from its height, --resolution",
    kind: "number",
  },
  {
    flags: "--frames <n>",
    path: "frames",
    description: "Wan: frames of a clip, 1 more than a multiple of 4",
    kind: "number",
  },
];

export const NETWORK_FLAGS: readonly SettingFlag[] = grouped("Networks:", [
  ...TEACHER_FLAGS,
  ...PIPELINE_FLAGS,
  ...DRAWING_FLAGS,
  {
    flags: "--student <start>",
    path: "student",
    description: "start of the student, a model's folder or config file, or a module (.mjs)",
    choices: ["same", "untrained", "small", "dcgan", "fastgan", "mlp", "tiny"],
  },
  {
    flags: "--latent-size <n>",
    path: "latentSize",
    description: "numbers in a latent of a dcgan, fastgan or mlp",
    kind: "number",
  },
  {
    flags: "--student-channels <n>",
    path: "studentChannels",
    description: "width of a dcgan, fastgan, mlp or tiny autoencoder",
    kind: "number",
  },
  {
    flags: "--rank <n>",
    path: "rank",
    description: "train adapters (LoRA) on the teacher's weights, not a copy of them",
    kind: "number",
  },
  {
    flags: "--offload",
    path: "offload",
    description: "with --rank: layers fetch the teacher's weights for each use: less memory",
    kind: "switch",
  },
  {
    flags: "--prompts <file>",
    path: "prompts",
    description: "prompts to train with: lines, JSONL, or a data set with captions",
  },
  {
    flags: "--sigma-init <sigma>",
    path: "sigmaInit",
    description: "noise level of the student's first (or only) step",
    kind: "number",
  },
  {
    flags: "--student-steps <n>",
    path: "studentSteps",
    description: "network evaluations of the student per sample",
    kind: "number",
  },
]);

/** How a trajectory is stored. */
export const STORAGE_FLAGS: readonly SettingFlag[] = grouped("Recording:", [
  {
    flags: "--node-storage <kind>",
    path: "recording.storage",
    description: "difference (to the teacher) or low-rank: smaller nodes on disk",
    choices: ["difference", "low-rank"],
  },
]);

export const IMITATION_FLAGS: readonly SettingFlag[] = grouped("Imitation:", [
  {
    flags: "--imitation-steps <n>",
    path: "imitation.steps",
    description: "steps in which a student that is not a copy first imitates the teacher; 0 for none",
    kind: "number",
  },
]);

export const RECORDING_FLAGS: readonly SettingFlag[] = grouped("Recording:", [
  {
    flags: "--record-nodes <rule>",
    path: "recording.nodes",
    description: "even-distance (stops by itself) or even-steps (as in the paper)",
    choices: ["even-distance", "even-steps"],
  },
  {
    flags: "--nodes <n>",
    path: "recording.nodeCount",
    description: "about this many nodes at equal distances; long steps are shortened",
    kind: "number",
  },
  {
    flags: "--record-steps <n>",
    path: "recording.steps",
    description: "steps of the recording",
    kind: "number",
  },
  {
    flags: "--record-interval <n>",
    path: "recording.interval",
    description: "steps between nodes",
    kind: "number",
  },
  ...STORAGE_FLAGS,
]);

export const BACKTRACKING_FLAGS: readonly SettingFlag[] = grouped("Backtracking:", [
  {
    flags: "--objective <name>",
    path: "backtracking.objective",
    description: objectiveNames.join(", "),
  },
  {
    flags: "--guidance <weight>",
    path: "backtracking.guidance",
    description: "classifier-free guidance of the target, 1 for none",
    kind: "number",
  },
  {
    flags: "--iterations <n>",
    path: "backtracking.iterations",
    description: "student steps",
    kind: "number",
  },
  {
    flags: "--schedule <rule>",
    path: "backtracking.schedule",
    description: "mismatch: move to the next target when this one is reached; or steps",
    choices: ["mismatch", "steps"],
  },
  {
    flags: "--steps-per-target <n>",
    path: "backtracking.stepsPerTarget",
    description: "largest number of student steps per node",
    kind: "number",
  },
  {
    flags: "--batch-size <n>",
    path: "backtracking.batchSize",
    description: "samples per step",
    kind: "number",
  },
  {
    flags: "--learning-rate <rate>",
    path: "backtracking.studentLearningRate",
    description: "learning rate of the student",
    kind: "number",
  },
  {
    flags: "--auxiliary-learning-rate <rate>",
    path: "backtracking.auxiliaryLearningRate",
    description: "learning rate of the auxiliary model",
    kind: "number",
  },
]);

/** How images of a data set are read. */
export const IMAGE_FLAGS: readonly SettingFlag[] = [
  {
    flags: "--resolution <n>",
    path: "resolution",
    description: "width and height of the images",
    kind: "number",
  },
  {
    flags: "--skip-broken",
    path: "skipBroken",
    description: "leave out files that cannot be read",
    kind: "switch",
  },
];

/** How samples are drawn from a model. */
export const SAMPLING_FLAGS: readonly SettingFlag[] = [
  {
    flags: "--count <n>",
    path: "count",
    description: "samples to draw",
    kind: "number",
  },
  { flags: "--batch-size <n>", path: "batchSize", description: "samples drawn at once", kind: "number" },
  {
    flags: "--steps <n>",
    path: "steps",
    description: "sampler steps of a teacher, default 18",
    kind: "number",
  },
  {
    flags: "--sampler <name>",
    path: "sampler",
    description: "sampler of a teacher",
    choices: ["heun", "euler", "ddim"],
  },
  {
    flags: "--guidance <weight>",
    path: "guidance",
    description: "classifier-free guidance of a teacher, 1 for none",
    kind: "number",
  },
  {
    flags: "--unconditional",
    path: "unconditional",
    description: "use a class-conditional model without labels",
    kind: "switch",
  },
  ...PIPELINE_FLAGS,
  ...DRAWING_FLAGS,
];

/** Width and height where there is no data to have it from. */
export const RESOLUTION_FLAG: SettingFlag = {
  flags: "--resolution <n>",
  path: "resolution",
  description: "pipelines: width and height of the pictures or clips",
  kind: "number",
};

/** What a model that is told a text draws. */
export const PROMPT_FLAGS: readonly SettingFlag[] = [
  { flags: "--prompt <text>", path: "prompt", description: "what to draw; default prompts of its training" },
  {
    flags: "--prompts <file>",
    path: "prompts",
    description: "what to draw in turn: lines, JSONL, or a data set with captions",
  },
  {
    flags: "--negative-prompt <text>",
    path: "negativePrompt",
    description: "what a teacher's guidance leads away from",
  },
  {
    flags: "--guidance-rescale <share>",
    path: "guidanceRescale",
    description: "0 to 1: how far guidance gets back the contrast of samples without it",
    kind: "number",
  },
];

/** Of language models. */
export const LANGUAGE_FLAGS: readonly SettingFlag[] = [
  {
    flags: "--temperature <t>",
    path: "temperature",
    description: "language models: divides the logits; 0 for the likeliest token",
    kind: "number",
  },
  {
    flags: "--top-p <share>",
    path: "topP",
    description: "language models: draw from the likeliest tokens of this probability",
    kind: "number",
  },
  {
    flags: "--length <n>",
    path: "textLength",
    description: "language models: tokens of a text",
    kind: "number",
  },
];

export const EVALUATION_FLAGS: readonly SettingFlag[] = grouped("Data and evaluation:", [
  {
    flags: "--data <source>",
    path: "data",
    description: "data set to compare with: a path, or toy:ring, …",
  },
  ...IMAGE_FLAGS,
  {
    flags: "--evaluate-every <n>",
    path: "evaluation.every",
    description: "iterations between evaluations",
    kind: "number",
  },
  {
    flags: "--evaluation-samples <n>",
    path: "evaluation.samples",
    description: "samples drawn for each FID",
    kind: "number",
  },
  { flags: "--extractor <name>", path: "evaluation.extractor", description: "feature extractor for FID" },
  {
    flags: "--inception <file>",
    path: "evaluation.inception",
    description: "TorchScript Inception file for the standard FID",
  },
  {
    flags: "--checkpoint-every <n>",
    path: "checkpoints.every",
    description: "iterations between checkpoints",
    kind: "number",
  },
]);

/** How the steps of a distillation are executed. */
export const GRAPH_FLAGS: readonly SettingFlag[] = grouped("Run:", [
  {
    flags: "--cuda-graphs",
    path: "cudaGraphs",
    description: "on a GPU: capture steps once and replay each as one launch",
    kind: "switch",
  },
]);

/** What a run does besides training, and how its networks are computed. */
export const RUN_FLAGS: readonly SettingFlag[] = grouped("Run:", [
  {
    flags: "--precision <name>",
    path: "precision",
    description: "f32, or bf16: mixed precision",
    choices: ["f32", "bf16"],
  },
  { flags: "--tf32", path: "tf32", description: "on a GPU: f32 products with TF32", kind: "switch" },
  {
    flags: "--memory-format <name>",
    path: "memoryFormat",
    description: "memory layout of image networks",
    choices: ["contiguous", "channels-last"],
  },
  {
    flags: "--activation-checkpointing",
    path: "activationCheckpointing",
    description: "recompute activations instead of keeping them: less memory",
    kind: "switch",
  },
  {
    flags: "--micro-batch <n>",
    path: "microBatch",
    description: "samples of a batch to compute at once: less memory, the same result",
    kind: "number",
  },
  {
    flags: "--on-divergence <action>",
    path: "onDivergence",
    description: "if training diverges: go back once with a lower learning rate, or stop",
    choices: ["rollback", "stop"],
  },
  {
    flags: "--tensorboard",
    path: "tensorboard",
    description: "write figures and sample grids for TensorBoard too",
    kind: "switch",
  },
]);
