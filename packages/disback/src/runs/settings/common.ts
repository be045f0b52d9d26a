import { z } from "zod";

/** An integer of at least `minimum`. */
export const integer = (minimum: number) => z.int().min(minimum);

/** A finite number greater than zero. */
export const positive = z.number().positive();

/** The noise levels of a loss: `ln sigma ~ N(noiseMean, noiseStandardDeviation^2)`, named as in a teacher's training. */
export const noiseLevels = {
  noiseMean: z.number().default(-1.2).describe("mean of ln sigma, the noise levels of the loss (P_mean)"),
  noiseStandardDeviation: positive
    .default(1.2)
    .describe("standard deviation of ln sigma, the noise levels of the loss (P_std)"),
};

/** Whether a class-conditional model is used without labels. */
export const unconditional = z.boolean().default(false);

/** Settings that every command has. */
export const commonSettings = {
  seed: integer(0)
    .default(0)
    .describe("random seed; the same seed gives the same result on the same machine"),
  device: z
    .string()
    .regex(/^(cpu|cuda(:\d+)?)$/, 'must be "cpu", "cuda" or "cuda:<number>"')
    .default("cpu")
    .describe("device of tensors: cpu, cuda or cuda:<number>"),
  threads: integer(1).optional().describe("CPU threads; default all cores"),
};

/** How a pipeline that draws from text is opened. */
export const pipelineSettings = {
  lora: z
    .array(z.string().min(1))
    .optional()
    .describe("LoRA files to merge into a text-to-image pipeline, each with its weight: FILE or FILE:0.8"),
  tokenizer: z
    .string()
    .min(1)
    .optional()
    .describe("checkpoints in one file: a folder with CLIP's vocab.json and merges.txt, or tokenizer.json"),
  prediction: z
    .enum(["epsilon", "v"])
    .optional()
    .describe("checkpoints of Stable Diffusion 2 in one file: whether they predict epsilon or v"),
  embeddedGuidance: positive
    .optional()
    .describe("Flux: the scale of guidance that the network is told; default 3.5"),
  width: integer(8)
    .optional()
    .describe("Wan: width of a clip where it differs from its height, the resolution"),
  frames: integer(1).optional().describe("Wan: frames of a clip, 1 more than a multiple of 4"),
  resolution: integer(8)
    .optional()
    .describe(
      "width and height of a text-to-image pipeline's pictures; default those of its training, 1024 for Flux; Wan's must be given",
    ),
};

/** How the networks of a training are computed. Affects speed, memory and rounding. */
export const computationSettings = {
  precision: z
    .enum(["f32", "bf16"])
    .default("f32")
    .describe(
      "precision of the networks' passes: f32, or bf16 (mixed precision; weights, losses and optimizers stay f32; a network of ours with adapters on it is held in bf16)",
    ),
  tf32: z
    .boolean()
    .default(false)
    .describe("on a GPU: f32 products and convolutions with TF32 (10-bit mantissas)"),
  memoryFormat: z
    .enum(["contiguous", "channels-last"])
    .optional()
    .describe(
      "memory layout of image networks: contiguous or channels-last; default channels-last on a GPU with bf16 or tf32 and on an x86 CPU with f32, else contiguous",
    ),
  activationCheckpointing: z
    .boolean()
    .default(false)
    .describe(
      "blocks of U-Nets and transformers recompute their activations in the backward pass instead of keeping them: less memory, a third more work",
    ),
  microBatch: integer(1)
    .optional()
    .describe(
      "largest number of samples of a batch computed at once (in each process); default the whole batch",
    ),
};

/** Options of reading a data set. */
export const dataSettings = {
  data: z
    .string()
    .describe("data set: a path, or toy:ring, toy:grid, toy:moons, toy:checkerboard, toy:spiral"),
  resolution: integer(4)
    .optional()
    .describe(
      "width and height of the images, and of a text-to-image pipeline's pictures; default their own",
    ),
  skipBroken: z
    .boolean()
    .default(false)
    .describe("leave out files that cannot be read instead of stopping at the first"),
};

/** When and how a run is evaluated. */
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
      .describe("feature extractor for FID: a shipped name or a folder; default chosen by the data"),
    inception: z
      .string()
      .optional()
      .describe("TorchScript Inception file for the standard FID, in place of the extractor"),
    reference: z
      .string()
      .optional()
      .describe("data set or statistics file to compare with; default the training data"),
    teacher: z.boolean().default(true).describe("also draw, evaluate and time the teacher"),
    teacherSteps: integer(1)
      .default(18)
      .describe("Heun steps of the teacher in evaluations (18 steps are 35 network evaluations)"),
  })
  .prefault({});

/** When the state of a run is saved. */
const checkpointSettings = z
  .strictObject({
    every: integer(1).default(100).describe("iterations between checkpoints"),
    keepLast: integer(1).default(2).describe("number of newest checkpoints to keep"),
    keepBest: z
      .boolean()
      .default(true)
      .describe("also keep the best model so far, by FID or sliced Wasserstein distance"),
  })
  .prefault({});

/** What a training does besides its steps. */
export const sessionSettings = {
  checkpoints: checkpointSettings,
  onDivergence: z
    .enum(["rollback", "stop"])
    .default("rollback")
    .describe(
      "if training diverges (NaN, infinity, exploding gradients, collapsed samples): go back once to the last sound checkpoint with a lower learning rate, or stop",
    ),
  rollbackFactor: positive.lt(1).default(0.3).describe("factor of the learning rates after a roll-back"),
  tensorboard: z
    .boolean()
    .default(false)
    .describe("also write figures and sample grids for TensorBoard, to tensorboard/ in the run folder"),
};
