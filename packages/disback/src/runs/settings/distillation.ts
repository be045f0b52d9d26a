import { z } from "zod";
import { methods } from "../../distill/decide.js";
import { defaults } from "../../distill/defaults.js";
import type { NodeStorage } from "../../distill/node-storage.js";
import {
  commonSettings,
  computationSettings,
  dataSettings,
  evaluationSettings,
  integer,
  positive,
  sessionSettings,
  unconditional,
} from "./common.js";
import { isDirectName, objectiveSettings } from "./objectives.js";

const networkSettings = {
  teacher: z.string().describe("the teacher: a model folder (model.safetensors and config.json)"),
  unconditional: unconditional.describe(
    "a class-conditional teacher is asked without labels, and the student is unconditional",
  ),
  student: z
    .string()
    .default("same")
    .describe(
      "how the student starts: same (teacher's weights), untrained, small (untrained, half the channels), or a model's config file",
    ),
  sigmaInit: positive.default(2.5).describe("noise level of the student's first, or only, step"),
  studentSteps: integer(1).default(1).describe("times the student's network is run for a sample"),
  studentSigmas: z
    .array(positive)
    .optional()
    .describe(
      "noise levels of the student's steps after the first, falling; evenly spaced in arctan(sigma / sigmaData) when not given",
    ),
};

const graphSettings = {
  cudaGraphs: z
    .boolean()
    .default(false)
    .describe("on a GPU: steps are recorded once and replayed, each as one launch; libtorch 2.13 or later"),
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
      .describe("steps for which the teacher is fitted to the initial student; with even-distance at most"),
    interval: integer(1)
      .default(recordingDefaults.interval)
      .describe("even-steps: steps between nodes of the trajectory"),
    nodeSteps: z
      .array(integer(1))
      .min(1)
      .optional()
      .describe("instead of interval: the steps after which nodes are saved, ascending"),
    nodes: z
      .enum(["even-steps", "even-distance"])
      .default("even-distance")
      .describe(
        "which points become nodes: every interval steps (as in the paper), or evenly spaced along the path, ending by itself",
      ),
    maximumNodes: integer(2)
      .multipleOf(2)
      .default(recordingDefaults.maximumNodes)
      .describe("even-distance: nodes kept at most beside the path's end, an even number"),
    storage: z
      .enum(storageKinds)
      .default("difference")
      .describe("how nodes are stored: difference (to the teacher, float16) or low-rank (that, in factors)"),
    storageEnergy: positive
      .max(1)
      .optional()
      .describe("low-rank: share of a difference's squared norm kept at least; 0.9 when not given"),
    storageRank: integer(1).optional().describe("low-rank: rank at most"),
    batchSize: integer(1).default(recordingDefaults.batchSize).describe("samples per step"),
    learningRate: positive
      .default(recordingDefaults.learningRate)
      .describe("learning rate of the degraded teacher"),
    rank: integer(1)
      .optional()
      .describe(
        "only low-rank adapters of this rank are fitted, not all weights; with the objective vsd its rank when not given",
      ),
  })
  .prefault({})
  .refine(({ nodes, nodeSteps }) => nodes === "even-steps" || nodeSteps === undefined, {
    path: ["nodeSteps"],
    error: "belongs to nodes: even-steps",
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

/** What only comparisons vary, to learn what a part of the method brings: `disback compare`. */
const ablation = z
  .strictObject({
    use: z
      .enum(["whole", "start", "targets"])
      .optional()
      .describe(
        "what of the trajectory is used: whole, start (the auxiliary model starts at its end, the teacher is the target) or targets (the auxiliary model starts as the teacher)",
      ),
    interpolation: integer(0)
      .optional()
      .describe("targets in between two nodes of the trajectory, their weights interpolated"),
    storage: z.enum(["full", "half"]).optional().describe("nodes as they are, or as float16"),
  })
  .optional();

const imitation = z
  .strictObject({
    when: z
      .enum(["needed", "always"])
      .default("needed")
      .describe(
        "before all else the student learns to answer as the teacher does in one step: with the method auto unless it starts with the teacher's weights (needed), or always",
      ),
    steps: integer(0).default(imitationDefaults.steps).describe("steps of that at most; 0: none"),
    tolerance: z
      .number()
      .min(0)
      .default(imitationDefaults.tolerance)
      .describe(
        "it ends when the mean squared difference is below this part of the variance of the teacher's answers",
      ),
    inherit: z
      .boolean()
      .default(imitationDefaults.inherit)
      .describe("a smaller student of the teacher's kind starts with the first channels of its weights"),
    batchSize: integer(1).default(imitationDefaults.batchSize).describe("samples per step"),
    learningRate: positive
      .default(imitationDefaults.learningRate)
      .describe("learning rate of the student while it imitates"),
  })
  .prefault({});

const backtracking = z
  .strictObject({
    iterations: integer(1).default(backtrackingDefaults.iterations).describe("student steps"),
    stepsPerTarget: integer(1)
      .default(backtrackingDefaults.stepsPerTarget)
      .describe("student steps on each node before the next; with schedule mismatch at most"),
    schedule: z
      .enum(["steps", "mismatch"])
      .default("mismatch")
      .describe(
        "when the next target's turn comes: after stepsPerTarget (as in the paper), or as soon as the mismatch is low",
      ),
    mismatchThreshold: z
      .number()
      .gt(1)
      .default(backtrackingDefaults.mismatchThreshold)
      .describe("schedule mismatch: a target is reached at this mismatch degree, or after stepsPerTarget"),
    batchSize: integer(1).default(backtrackingDefaults.batchSize).describe("samples per step"),
    studentLearningRate: positive
      .default(backtrackingDefaults.studentLearningRate)
      .describe("learning rate of the student"),
    auxiliaryLearningRate: positive
      .default(backtrackingDefaults.auxiliaryLearningRate)
      .describe("learning rate of the auxiliary model"),
    emaDecay: z
      .number()
      .min(0)
      .lt(1)
      .default(backtrackingDefaults.emaDecay)
      .describe("decay of the student's averaged weights per step"),
    ...objectiveSettings,
  })
  .prefault({});

/** DMD2's discriminator learns from real samples. */
const hasItsData = ({
  data,
  backtracking,
}: {
  data?: string | undefined;
  backtracking: { objective: string };
}) => backtracking.objective !== "dmd2" || data !== undefined;
const lacksData = { path: ["backtracking", "objective"], error: "of dmd2 needs real samples; give --data" };

/** `disback record` */
export const recordSchema = z.strictObject({
  ...commonSettings,
  ...computationSettings,
  ...graphSettings,
  ...networkSettings,
  recording,
  ablation,
  ...sessionSettings,
});

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
    trajectory: z.string().describe("trajectory folder made by record"),
    backtracking,
    ablation,
  })
  .refine(hasItsData, lacksData)
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
  .refine(hasItsData, lacksData);

export type RecordSettings = z.output<typeof recordSchema>;
export type BacktrackSettings = z.output<typeof backtrackSchema>;
export type DistillSettings = z.output<typeof distillSchema>;
