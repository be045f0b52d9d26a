import { z } from "zod";

/** An integer of at least `minimum`. */
export const integer = (minimum: number) => z.int().min(minimum);

/** A finite number greater than zero. */
export const positive = z.number().positive();

/** Whether a class-conditional model is asked without labels. */
export const unconditional = z.boolean().default(false);

/** Settings every command shares. */
export const commonSettings = {
  seed: integer(0)
    .default(0)
    .describe("random seed; the same seed gives the same result on the same machine"),
  device: z
    .string()
    .regex(/^(cpu|cuda(:\d+)?)$/, 'must be "cpu", "cuda" or "cuda:<number>"')
    .default("cpu")
    .describe("where tensors live: cpu, cuda or cuda:<number>"),
  threads: integer(1).optional().describe("CPU threads; all cores when not given"),
};

/** How the networks of a training are computed: speed and memory, and the last digits of the result. */
export const computationSettings = {
  precision: z
    .enum(["f32", "bf16"])
    .default("f32")
    .describe(
      "of the networks' passes: f32, or bf16 (mixed precision; weights, losses and optimizers stay f32)",
    ),
  tf32: z
    .boolean()
    .default(false)
    .describe("on a GPU: products and convolutions of f32 with the 10-bit mantissas of TF32"),
  memoryFormat: z
    .enum(["contiguous", "channels-last"])
    .optional()
    .describe(
      "layout of networks for images: contiguous or channels-last; on a GPU with bf16 or tf32 channels-last when not given, else contiguous",
    ),
  activationCheckpointing: z
    .boolean()
    .default(false)
    .describe(
      "blocks of U-Nets and transformers compute their activations again for the backward pass instead of keeping them: less memory, a third more work",
    ),
  microBatch: integer(1)
    .optional()
    .describe(
      "samples of a step's batch that go through the networks at once, at most (in each process); the whole batch when not given",
    ),
};

/** How a data set is read. */
export const dataSettings = {
  data: z
    .string()
    .describe("data set: a path, or toy:ring, toy:grid, toy:moons, toy:checkerboard, toy:spiral"),
  resolution: integer(4)
    .optional()
    .describe("width and height images are brought to; their own when not given"),
  skipBroken: z
    .boolean()
    .default(false)
    .describe("leave out files that cannot be read instead of stopping at the first"),
};

/** When and how a run is judged. */
export const evaluationSettings = z
  .strictObject({
    every: integer(1).default(50).describe("iterations between evaluations"),
    samples: integer(2).default(2000).describe("samples drawn for each FID"),
    batchSize: integer(1).default(250).describe("samples drawn at once"),
    seed: integer(0).default(1000).describe("seed of the latents used in every evaluation"),
    grid: integer(1).default(64).describe("samples in each grid"),
    extractor: z
      .string()
      .optional()
      .describe("feature extractor for FID: a shipped name or a folder; chosen by the data when not given"),
    inception: z
      .string()
      .optional()
      .describe("TorchScript Inception file for the standard FID, in place of the extractor"),
    reference: z
      .string()
      .optional()
      .describe("data set or statistics file to compare with; the training data when not given"),
    teacher: z.boolean().default(true).describe("draw, judge and time the teacher beside the student"),
    teacherSteps: integer(1)
      .default(18)
      .describe("Heun steps of the teacher it is compared with (18 steps are 35 network evaluations)"),
  })
  .prefault({});

/** When the state of a run is saved. */
const checkpointSettings = z
  .strictObject({
    every: integer(1).default(100).describe("iterations between checkpoints"),
    keepLast: integer(1).default(2).describe("newest checkpoints kept"),
    keepBest: z
      .boolean()
      .default(true)
      .describe("keep the best model so far, by FID or sliced Wasserstein distance, beside the last one"),
  })
  .prefault({});

/** What training does beside training. */
export const sessionSettings = {
  checkpoints: checkpointSettings,
  onDivergence: z
    .enum(["rollback", "stop"])
    .default("rollback")
    .describe(
      "when numbers go wrong (NaN, infinity, exploding gradients, collapsed samples): back to the last sound checkpoint, once, with a lower learning rate; or stop",
    ),
  rollbackFactor: positive.lt(1).default(0.3).describe("what a roll-back multiplies learning rates with"),
  tensorboard: z
    .boolean()
    .default(false)
    .describe("write figures and sample grids for TensorBoard too, to tensorboard/ in the run folder"),
};
