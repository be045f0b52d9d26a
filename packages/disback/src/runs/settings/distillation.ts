import { z } from "zod";
import { imitationsOf, methods } from "../../distill/decide.js";
import { defaults } from "../../distill/defaults.js";
import { imitationLosses } from "../../distill/imitate.js";
import type { NodeStorage } from "../../distill/node-storage.js";
import { rateDecays } from "../../training/learning-rate-plan.js";
import {
  commonSettings,
  computationSettings,
  dataSettings,
  evaluationSettings,
  integer,
  noiseLevels,
  pipelineSettings,
  positive,
  sessionSettings,
  unconditional,
} from "./common.js";
import { isDirectName, needsData, type ObjectiveName, objectiveSettings } from "./objectives.js";

const networkSettings = {
  ...pipelineSettings,
  teacher: z
    .string()
    .describe(
      "the teacher: a model folder (model.safetensors and config.json), a run, a shipped name, a text-to-image pipeline (a folder of diffusers, or a checkpoint in one file), a PyTorch checkpoint of a DCGAN's generator, or your own module (.mjs)",
    ),
  unconditional: unconditional.describe(
    "use a class-conditional teacher without labels; the student is unconditional",
  ),
  prompts: z
    .string()
    .optional()
    .describe(
      "prompts to train with, for a teacher that is told a text: a file of lines or JSONL, or a data set with captions; default those of its training",
    ),
  student: z
    .string()
    .default("same")
    .describe(
      "start of the student: same (teacher's weights), untrained, small (untrained, half the channels), a generator from a vector (dcgan, fastgan, or mlp for points), tiny (a tiny autoencoder, with half), a model's folder or config file, or your own module (.mjs)",
    ),
  textLength: integer(1)
    .optional()
    .describe("tokens of a text, for a language model; default what it was trained with, at most 128"),
  latentSize: integer(1).optional().describe("dcgan, fastgan, mlp: numbers in a latent; default 100"),
  studentChannels: integer(1)
    .optional()
    .describe("dcgan, fastgan, mlp, tiny: width of the network; default 64, 16, 512 and 64"),
  studentBlocks: integer(0)
    .optional()
    .describe("tiny: blocks of each resolution but the highest, which has one; default 3"),
  half: z
    .enum(["decoder", "encoder"])
    .optional()
    .describe(
      "of a teacher that is an autoencoder: the half that the student, a tiny autoencoder, learns with the data's pictures",
    ),
  rank: integer(1)
    .optional()
    .describe(
      "train adapters of this rank (LoRA) on the teacher's weights, which student, auxiliary model and nodes share; default all weights",
    ),
  adaptedLayers: z
    .enum(["all", "attention"])
    .default("all")
    .describe(
      "with rank: all linear layers and convolutions, or those of attention alone, which takes less memory",
    ),
  offload: z
    .boolean()
    .default(false)
    .describe(
      "with rank: the teacher's weights stay in host memory (with a GPU) or in a mapped file (without), and each layer fetches its own for each use: less memory, the same result",
    ),
  sigmaInit: positive.default(2.5).describe("noise level of the student's first (or only) step"),
  studentSteps: integer(1).default(1).describe("network evaluations of the student per sample"),
  studentSigmas: z
    .array(positive)
    .optional()
    .describe(
      "noise levels of the student's steps after the first, decreasing; default evenly spaced in arctan(sigma / sigmaData)",
    ),
};

const graphSettings = {
  cudaGraphs: z
    .boolean()
    .default(false)
    .describe("on a GPU: capture steps once and replay each as one launch; libtorch 2.13 or later"),
};

const {
  imitation: imitationDefaults,
  recording: recordingDefaults,
  backtracking: backtrackingDefaults,
} = defaults;

const storageKinds = ["difference", "low-rank"] as const satisfies NodeStorage["kind"][];

const recording = z
  .strictObject({
    steps: integer(1)
      .default(recordingDefaults.steps)
      .describe("steps of fitting the teacher to the initial student; with even-distance the largest number"),
    interval: integer(1)
      .default(recordingDefaults.interval)
      .describe("even-steps: steps between nodes of the trajectory"),
    nodeSteps: z
      .array(integer(1))
      .min(1)
      .optional()
      .describe("instead of interval: steps after which nodes are saved, ascending"),
    nodes: z
      .enum(["even-steps", "even-distance"])
      .default("even-distance")
      .describe(
        "which points become nodes: even-steps (every interval steps, as in the paper), or even-distance (evenly spaced along the path, with an automatic end)",
      ),
    maximumNodes: integer(2)
      .multipleOf(2)
      .default(recordingDefaults.maximumNodes)
      .describe("even-distance: largest number of nodes besides the path's end, even"),
    nodeCount: integer(2)
      .optional()
      .describe(
        "even-distance: about this many nodes, at equal distances: each step is shortened to move at most from one to the next; default no step is shortened",
      ),
    teacherSamples: integer(2)
      .optional()
      .describe(
        "even-steps: record along samples on the straight way from this many of the teacher's to the student's; default none, the student's from the first step",
      ),
    storage: z
      .enum(storageKinds)
      .optional()
      .describe(
        "storage of nodes: difference (to the teacher, as float16; the default) or low-rank (the difference as two factors); with a rank they are adapters",
      ),
    storageEnergy: positive
      .max(1)
      .optional()
      .describe("low-rank: smallest fraction of a difference's squared norm to keep; default 0.9"),
    storageRank: integer(1).optional().describe("low-rank: largest rank"),
    batchSize: integer(1).default(recordingDefaults.batchSize).describe("samples per step"),
    learningRate: positive
      .default(recordingDefaults.learningRate)
      .describe("learning rate of the degraded teacher"),
    ...noiseLevels,
    rank: integer(1)
      .optional()
      .describe(
        "fit only adapters of this rank, not all weights; default the student's rank, or with the objective vsd its own",
      ),
  })
  .prefault({})
  .refine(({ nodes, nodeSteps }) => nodes === "even-steps" || nodeSteps === undefined, {
    path: ["nodeSteps"],
    error: "belongs to nodes: even-steps",
  })
  .refine(({ nodes, teacherSamples }) => nodes === "even-steps" || teacherSamples === undefined, {
    path: ["teacherSamples"],
    error: "belongs to nodes: even-steps",
  })
  .refine(({ nodes, nodeCount }) => nodes === "even-distance" || nodeCount === undefined, {
    path: ["nodeCount"],
    error: "belongs to nodes: even-distance",
  })
  .refine(({ steps, nodeCount }) => nodeCount === undefined || steps >= 2 * nodeCount, {
    path: ["steps"],
    error: ({ input }) => {
      const { steps, nodeCount } = input as { steps: number; nodeCount: number };
      return `of ${steps} must be at least twice nodeCount, ${nodeCount}`;
    },
  })
  .superRefine(({ storage, storageEnergy, storageRank }, context) => {
    for (const [name, input] of Object.entries({ storageEnergy, storageRank })) {
      if (input !== undefined && storage !== "low-rank")
        context.addIssue({ code: "custom", path: [name], message: "belongs to storage: low-rank", input });
    }
  })
  .refine((value) => value.nodes !== "even-steps" || value.nodeSteps || value.interval <= value.steps, {
    path: ["interval"],
    error: ({ input }) => {
      const { interval, steps } = input as { interval: number; steps: number };
      return `of ${interval} must not be greater than steps, ${steps}`;
    },
  });

/** Ablations: settings that only `disback compare` varies, to measure the effect of a part of the method. */
const ablation = z
  .strictObject({
    use: z
      .enum(["whole", "start", "targets"])
      .optional()
      .describe(
        "part of the trajectory to use: whole, start (the auxiliary model starts at its end, the teacher is the target) or targets (the auxiliary model starts as the teacher)",
      ),
    interpolation: integer(0)
      .optional()
      .describe("number of targets between two nodes of the trajectory, with interpolated weights"),
    storage: z.enum(["full", "half"]).optional().describe("store nodes unchanged, or as float16"),
  })
  .optional();

const imitation = z
  .strictObject({
    when: z
      .enum(["needed", "always"])
      .default("needed")
      .describe(
        "when the student first imitates the teacher: needed (with the method auto, where it helps), or always",
      ),
    of: z
      .enum(["auto", ...imitationsOf])
      .default(imitationDefaults.of)
      .describe(
        "what is imitated: one step of the teacher, its samples, or both in turn; auto: a step, if the student is no copy, and samples, if it draws pictures or points in one step and they cost at most a fifth of the distillation",
      ),
    pairs: z
      .strictObject({
        count: integer(1).default(imitationDefaults.pairs.count).describe("samples of the teacher"),
        steps: integer(1).default(imitationDefaults.pairs.steps).describe("steps of its sampler for each"),
        passes: integer(1)
          .optional()
          .describe("passes over them; default 12, and 24 after the imitation of a step"),
      })
      .prefault({}),
    steps: integer(0)
      .default(imitationDefaults.steps)
      .describe("largest number of steps of imitating one step of the teacher; 0 for no imitation"),
    tolerance: z
      .number()
      .min(0)
      .default(imitationDefaults.tolerance)
      .describe(
        "ends when the mean squared difference is below this fraction of the variance of the teacher's outputs",
      ),
    inherit: z
      .boolean()
      .default(imitationDefaults.inherit)
      .describe(
        "a smaller student of the teacher's architecture starts with the first channels of the teacher's weights",
      ),
    loss: z
      .enum(imitationLosses)
      .default(imitationDefaults.loss)
      .describe(
        "squares of the difference, or own: the loss of a denoiser of letters (cross-entropy), less what the teacher's answers cost; own makes all steps",
      ),
    batchSize: integer(1).default(imitationDefaults.batchSize).describe("samples per step"),
    learningRate: positive
      .default(imitationDefaults.learningRate)
      .describe("learning rate of the student in the imitation"),
  })
  .prefault({});

const backtracking = z
  .strictObject({
    iterations: integer(1).default(backtrackingDefaults.iterations).describe("student steps"),
    processorSeconds: positive
      .optional()
      .describe(
        "also end when the steps have taken this much processor time of all threads, evaluations not counted; where that is depends on the machine",
      ),
    stepsPerTarget: integer(1)
      .default(backtrackingDefaults.stepsPerTarget)
      .describe("student steps on each node before the next; with schedule mismatch the largest number"),
    schedule: z
      .enum(["steps", "mismatch"])
      .default("mismatch")
      .describe(
        "when to move to the next target: after stepsPerTarget (as in the paper), or when the mismatch is low",
      ),
    mismatchThreshold: z
      .number()
      .gt(1)
      .default(backtrackingDefaults.mismatchThreshold)
      .describe("schedule mismatch: mismatch degree at which a target is reached"),
    batchSize: integer(1).default(backtrackingDefaults.batchSize).describe("samples per step"),
    studentLearningRate: positive
      .default(backtrackingDefaults.studentLearningRate)
      .describe("learning rate of the student"),
    auxiliaryLearningRate: positive
      .default(backtrackingDefaults.auxiliaryLearningRate)
      .describe("learning rate of the auxiliary model"),
    rampUp: integer(0)
      .default(backtrackingDefaults.rampUp)
      .describe("student steps over which both learning rates rise from 0"),
    decay: z
      .enum(rateDecays)
      .default(backtrackingDefaults.decay)
      .describe(
        "how both learning rates fall: not at all, to 0 at the last of the iterations, or with the inverse square root of the step",
      ),
    decayFrom: integer(0)
      .default(backtrackingDefaults.decayFrom)
      .describe("student step at which they begin to fall"),
    betas: z
      .tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)])
      .optional()
      .describe(
        "Adam's betas for all networks; default [0, 0.999], or [0.9, 0.999] without an auxiliary model",
      ),
    emaDecay: z
      .number()
      .min(0)
      .lt(1)
      .default(backtrackingDefaults.emaDecay)
      .describe("decay of the student's averaged weights per step"),
    ...objectiveSettings,
  })
  .prefault({});

/** Discriminators learn from real samples. */
const hasItsData = ({
  data,
  backtracking,
}: {
  data?: string | undefined;
  backtracking: { objective: ObjectiveName };
}) => !needsData(backtracking.objective) || data !== undefined;
const lacksData = {
  path: ["backtracking", "objective"],
  error: ({ input }: { input?: unknown }) => {
    const { backtracking } = input as { backtracking: { objective: string } };
    return `of ${backtracking.objective} needs real samples; give --data`;
  },
};
/** IDA moves an auxiliary model; VSD's has adapters, and no weights of the student's. */
const canAlign = ({
  backtracking,
}: {
  backtracking: { objective: ObjectiveName; idaDecay?: number | undefined };
}) =>
  backtracking.idaDecay === undefined ||
  !(isDirectName(backtracking.objective) || backtracking.objective === "vsd");
const cannotAlign = {
  path: ["backtracking", "idaDecay"],
  error: "needs an objective with an auxiliary model of the student's architecture",
};

/** Without adapters there is nothing to choose layers for. */
const layersAreUsed = ({ rank, adaptedLayers }: { rank?: number | undefined; adaptedLayers: string }) =>
  rank !== undefined || adaptedLayers === "all";
const lacksRank = { path: ["adaptedLayers"], error: "has no effect without rank" };
const canOffload = ({ rank, offload }: { rank?: number | undefined; offload: boolean }) =>
  rank !== undefined || !offload;
const nothingToOffload = {
  path: ["offload"],
  error: "needs rank: only weights that are not trained can stay outside",
};

/** `disback record` */
export const recordSchema = z
  .strictObject({
    ...commonSettings,
    ...computationSettings,
    ...graphSettings,
    ...networkSettings,
    recording,
    ablation,
    ...sessionSettings,
  })
  .refine(layersAreUsed, lacksRank)
  .refine(canOffload, nothingToOffload);

const withEvaluation = {
  ...dataSettings,
  data: dataSettings.data.optional(),
  evaluation: evaluationSettings,
  ...sessionSettings,
};

/** `disback backtrack` */
export const backtrackSchema = z
  .strictObject({
    ...commonSettings,
    ...computationSettings,
    ...graphSettings,
    ...networkSettings,
    ...withEvaluation,
    trajectory: z
      .string()
      .describe(
        "trajectory folder made by record; or the teacher's own checkpoints as one: the run that trained it, or a folder of model folders",
      ),
    backtracking,
    ablation,
  })
  .refine(hasItsData, lacksData)
  .refine(canAlign, cannotAlign)
  .refine(layersAreUsed, lacksRank)
  .refine(canOffload, nothingToOffload)
  .refine(({ backtracking }) => !isDirectName(backtracking.objective), {
    path: ["backtracking", "objective"],
    error: "has no auxiliary model and follows no trajectory; use disback distill",
  });

/** `disback distill` */
export const distillSchema = z
  .strictObject({
    ...commonSettings,
    ...computationSettings,
    ...graphSettings,
    ...networkSettings,
    ...withEvaluation,
    method: z
      .enum(methods)
      .default("auto")
      .describe(
        "auto decides whether the student imitates and whether a trajectory can pay; disback always follows a trajectory; plain is the objective alone",
      ),
    imitation,
    recording,
    backtracking,
    ablation,
  })
  .refine(hasItsData, lacksData)
  .refine(canAlign, cannotAlign)
  .refine(layersAreUsed, lacksRank)
  .refine(canOffload, nothingToOffload);

export type RecordSettings = z.output<typeof recordSchema>;
export type BacktrackSettings = z.output<typeof backtrackSchema>;
export type DistillSettings = z.output<typeof distillSchema>;
