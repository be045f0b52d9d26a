import { z } from "zod";
import { DisbackError } from "../errors.js";
import type { ConditionShapes } from "./condition.js";
import { checkEdm2Heads, edm2Fields } from "./edm2/config.js";
import type { ModelFacts } from "./facts.js";
import { pairUNetFields } from "./pair-unet/config.js";
import { PairLayout } from "./pair-unet/pair-layout.js";
import { textTransformerFields } from "./text-transformer/config.js";
import { checkTextUNet, textUNetFields } from "./text-unet/config.js";
import {
  checkFlux,
  checkSd3,
  checkWan,
  fluxFields,
  sd3Fields,
  toldToTransformer,
  wanFields,
} from "./transformers/config.js";
import { checkUNet2D, unet2DFields } from "./unet-2d/config.js";
import {
  checkUNet2DCondition,
  toldToUNet2DCondition,
  unet2DConditionFields,
} from "./unet-2d-condition/config.js";

const positive = z.number().positive();
const count = z.int().positive();
const size = z.int().nonnegative();
const probability = z.number().min(0).lt(1);

/** Fields of every denoiser. Fields of a preconditioning that is not chosen are errors. */
const common = {
  preconditioning: z.enum(["edm", "vp", "ve", "iddpm", "discrete", "flow-matching"]).default("edm"),
  /** edm: standard deviation of the data */
  sigmaData: positive.default(0.5),
  /** edm, ve: lowest noise level */
  sigmaMin: z.number().nonnegative().optional(),
  /** edm, ve: highest noise level */
  sigmaMax: positive.optional(),
  /** vp: growth of beta over time */
  betaSlope: positive.optional(),
  /** vp: beta at time 0 */
  betaMin: positive.optional(),
  /** vp: shortest time trained on */
  smallestTime: positive.optional(),
  /** vp, iddpm, discrete: steps of the discrete formulation */
  timesteps: count.optional(),
  /** iddpm: smallest ratio of neighbouring alpha-bars */
  smallestRatio: positive.optional(),
  /** iddpm: offset of the cosine schedule */
  cosineOffset: positive.optional(),
  /** discrete: what the network estimates */
  prediction: z.enum(["epsilon", "v", "sample"]).optional(),
  /** discrete: rule of the betas */
  betaSchedule: z.enum(["linear", "scaled-linear", "cosine", "sigmoid"]).optional(),
  /** discrete: first beta of the rule */
  betaStart: positive.lt(1).optional(),
  /** discrete: last beta of the rule */
  betaEnd: positive.lt(1).optional(),
  /** discrete: the betas, instead of a rule */
  betas: z.array(positive.max(1)).min(2).optional(),
  /** discrete: rescale the schedule so that its last step is pure noise */
  zeroTerminalSnr: z.boolean().optional(),
  /** the network also estimates a variance in as many additional channels, which are ignored; always true for iddpm */
  learnedVariance: z.boolean().optional(),
  /** discrete: bound at which the original sampler clips its estimates; kept for export, the denoiser does not clip */
  clipSample: positive.optional(),
  /** number of classes, 0 for none */
  labelDim: size.default(0),
  /** names of the labelDim classes, in order */
  classNames: z.array(z.string().min(1)).optional(),
  /** of a model for several tasks: how many of the classes are each's, in order */
  tasks: z.record(z.string().min(1), count).optional(),
  /** probability of hiding a label while training, for guidance */
  labelDropout: probability.default(0),
};

const image = {
  imageResolution: count,
  imageChannels: count,
  augmentDim: size.default(0),
  embeddingMultiplier: count.default(4),
  dropout: probability.default(0.1),
};

const songUNet = z.strictObject({
  network: z.literal("song-unet"),
  ...common,
  ...image,
  modelChannels: count.default(128),
  channelMultipliers: z.array(count).min(1).default([1, 2, 2, 2]),
  blocksPerResolution: count.default(4),
  attentionResolutions: z.array(count).default([16]),
  embeddingType: z.enum(["positional", "fourier"]).default("positional"),
  noiseMultiplier: count.default(1),
  encoderType: z.enum(["standard", "skip", "residual"]).default("standard"),
  decoderType: z.enum(["standard", "skip"]).default("standard"),
  resampleFilter: z
    .array(z.number())
    .min(2)
    .refine((taps) => taps.length % 2 === 0, "an even number of taps is needed")
    .default([1, 1]),
});

const pairUNet = z.strictObject({
  ...songUNet.shape,
  network: z.literal("pair-unet"),
  ...pairUNetFields,
});

const frames = count.min(2).max(1024);

const videoUNet = z.strictObject({
  ...songUNet.shape,
  network: z.literal("video-unet"),
  /** frames of a clip */
  frames,
});

const dhariwalUNet = z.strictObject({
  network: z.literal("dhariwal-unet"),
  ...common,
  ...image,
  modelChannels: count.default(192),
  channelMultipliers: z.array(count).min(1).default([1, 2, 3, 4]),
  blocksPerResolution: count.default(3),
  attentionResolutions: z.array(count).default([32, 16, 8]),
  channelsPerHead: count.default(64),
});

const edm2 = z.strictObject({ network: z.literal("edm2"), ...common, ...edm2Fields });

const unet2D = z.strictObject({ network: z.literal("unet-2d"), ...common, ...unet2DFields });

const textUNet = z.strictObject({ network: z.literal("text-unet"), ...common, ...textUNetFields });

const textTransformer = z.strictObject({
  network: z.literal("text-transformer"),
  ...common,
  ...textTransformerFields,
});

const unet2DCondition = z.strictObject({
  network: z.literal("unet-2d-condition"),
  ...common,
  ...unet2DConditionFields,
});

const sd3 = z.strictObject({ network: z.literal("sd3"), ...common, ...sd3Fields });

const flux = z.strictObject({ network: z.literal("flux"), ...common, ...fluxFields });

const wan = z.strictObject({ network: z.literal("wan"), ...common, ...wanFields });

const mlp = z.strictObject({
  network: z.literal("mlp"),
  ...common,
  /** dimensions of a point */
  dimension: count,
  augmentDim: size.optional(),
  hiddenChannels: count.multipleOf(2).default(128),
  blocks: count.default(4),
});

const ditFields = {
  /** height and width of the samples; for a latent model, of the latents */
  imageResolution: count,
  imageChannels: count,
  patchSize: count.default(2),
  layers: count.default(12),
  heads: count.default(6),
  channelsPerHead: count.default(64),
  attentionBias: z.boolean().default(true),
  normalizationEps: positive.default(1e-6),
  dropout: probability.default(0),
};

const dit = z.strictObject({ network: z.literal("dit"), ...common, ...ditFields });

const videoDit = z.strictObject({
  network: z.literal("video-dit"),
  ...common,
  ...ditFields,
  /** frames of a clip */
  frames,
  /** frames in a row that one token stands for */
  framesPerPatch: count.default(1),
  /** channels of the convolutions around the transformer */
  pixelChannels: count.default(16),
  /** blocks, in turn over space and over time */
  layers: count.multipleOf(2).default(4),
});

/**
 * The configuration of a denoiser: network, sizes and preconditioning. "song-unet" is DDPM++ by default and NCSN++ with
 * `embeddingType: "fourier", noiseMultiplier: 2, encoderType: "residual", resampleFilter: [1, 3, 3, 1]`;
 * "dhariwal-unet" is ADM, "edm2" is EDM2's U-Net; "unet-2d" is UNet2DModel of diffusers; "dit" is DiT-S/2 by default;
 * "unet-2d-condition" is the network of Stable Diffusion, "sd3", "flux" and "wan" those of Stable Diffusion 3, Flux and Wan2.1, which
 * go with flow matching and nothing else; "video-dit" and "video-unet" are for clips; "text-unet" reads prompts itself; "text-transformer" takes texts as one-hot letters,
 * "pair-unet" pictures with their texts, "mlp" points. Unknown fields are errors.
 */
export const denoiserConfig = z
  .discriminatedUnion(
    "network",
    [
      songUNet,
      dhariwalUNet,
      edm2,
      unet2D,
      unet2DCondition,
      sd3,
      flux,
      wan,
      textUNet,
      textTransformer,
      pairUNet,
      videoUNet,
      dit,
      videoDit,
      mlp,
    ],
    {
      error:
        'expected "song-unet", "dhariwal-unet", "edm2", "unet-2d", "unet-2d-condition", "sd3", "flux", "wan", "text-unet", "text-transformer", "pair-unet", "video-unet", "dit", "video-dit" or "mlp"',
    },
  )
  .superRefine((config, context) => {
    const fail = (field: string, message: string) =>
      context.addIssue({ code: "custom", path: [field], message, input: config });
    if (
      config.sigmaMin !== undefined &&
      config.sigmaMax !== undefined &&
      config.sigmaMin >= config.sigmaMax
    ) {
      fail("sigmaMin", `must be below sigmaMax (${config.sigmaMax})`);
    }
    checkPreconditioning(config, fail);
    if (config.classNames && config.classNames.length !== config.labelDim)
      fail("classNames", `has ${config.classNames.length} names, but labelDim is ${config.labelDim}`);
    const classes = Object.values(config.tasks ?? {}).reduce((sum, share) => sum + share, 0);
    if (config.tasks && classes !== config.labelDim)
      fail("tasks", `have ${classes} classes, but labelDim is ${config.labelDim}`);
    if (config.network === "sd3") return checkSd3(config, fail);
    if (config.network === "flux") return checkFlux(config, fail);
    if (config.network === "wan") return checkWan(config, fail);
    if (config.preconditioning === "flow-matching")
      fail("preconditioning", '"flow-matching" is for the networks sd3, flux and wan');
    if (config.network === "unet-2d") checkUNet2D(config, fail);
    if (config.network === "text-unet") return checkTextUNet(config, fail);
    if (config.network === "unet-2d-condition") return checkUNet2DCondition(config, fail);
    if (config.network === "text-transformer") {
      if (config.preconditioning !== "edm") fail("preconditioning", "must be edm for letters");
      if (config.labelDim > 0) fail("labelDim", "texts have no classes");
      return;
    }
    if (config.network === "pair-unet") {
      if (config.preconditioning !== "edm") fail("preconditioning", "must be edm for pairs");
      if (config.labelDim > 0)
        fail("labelDim", "pairs have no classes: the text says what the picture shows");
      if (config.augmentDim > 0) fail("augmentDim", "must be 0 for pairs");
    }
    if (config.network === "mlp" || config.network === "unet-2d") return;
    if (config.network === "dit" || config.network === "video-dit") {
      if (config.imageResolution % config.patchSize !== 0) {
        fail("imageResolution", `must be a multiple of patchSize (${config.patchSize})`);
      }
      if ((config.heads * config.channelsPerHead) % 4 !== 0) {
        fail("channelsPerHead", "heads times channelsPerHead must be a multiple of 4");
      }
      if (config.network === "video-dit" && config.frames % config.framesPerPatch !== 0) {
        fail("frames", `must be a multiple of framesPerPatch (${config.framesPerPatch})`);
      }
      return;
    }
    const factor = 2 ** (config.channelMultipliers.length - 1);
    if (config.imageResolution % factor !== 0) {
      fail("imageResolution", `must be a multiple of ${factor}, one halving per further channel multiplier`);
    }
    if (config.network === "edm2") return checkEdm2Heads(config, fail);
    if (config.modelChannels % 4 !== 0) fail("modelChannels", "must be a multiple of 4");
  });

/** Fields of particular preconditionings. */
const special: Readonly<Record<string, readonly string[]>> = {
  sigmaMin: ["edm", "ve"],
  sigmaMax: ["edm", "ve"],
  betaSlope: ["vp"],
  betaMin: ["vp"],
  smallestTime: ["vp"],
  timesteps: ["vp", "iddpm", "discrete"],
  smallestRatio: ["iddpm"],
  cosineOffset: ["iddpm"],
  prediction: ["discrete"],
  betaSchedule: ["discrete"],
  betaStart: ["discrete"],
  betaEnd: ["discrete"],
  betas: ["discrete"],
  zeroTerminalSnr: ["discrete"],
  clipSample: ["discrete"],
};

/** A field without effect must not pass unnoticed. */
function checkPreconditioning(config: object, fail: (field: string, message: string) => void): void {
  const fields = config as Readonly<Record<string, unknown>>;
  const chosen = fields["preconditioning"] as string;
  for (const [field, users] of Object.entries(special)) {
    if (fields[field] === undefined || users.includes(chosen)) continue;
    fail(field, `has no effect with the preconditioning "${chosen}", only with ${users.join(", ")}`);
  }
  if (fields["betas"] !== undefined) {
    const ruled = ["timesteps", "betaSchedule", "betaStart", "betaEnd"];
    for (const field of ruled.filter((field) => fields[field] !== undefined)) {
      fail(field, "has no effect beside betas");
    }
  }
  if (chosen === "iddpm" && fields["learnedVariance"] === false) {
    fail("learnedVariance", "networks of iddpm always estimate a variance");
  }
}

/** A denoiser's configuration with all defaults filled in. */
export type DenoiserConfig = z.output<typeof denoiserConfig>;
/** A denoiser's configuration as a user writes it. */
export type DenoiserConfigInput = z.input<typeof denoiserConfig>;

/**
 * Checks a configuration and fills in defaults.
 * @param origin file name for the message
 * @throws DisbackError naming origin and field
 */
export function parseDenoiserConfig(value: unknown, origin = "denoiser"): DenoiserConfig {
  const result = denoiserConfig.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    ({ path, message }) => `${path.map(String).join(".")}${path.length ? ": " : ""}${message}`,
  );
  throw new DisbackError(`${origin}: ${problems.join("; ")}`);
}

const ofPipelines = ["unet-2d-condition", "sd3", "flux", "wan"] as const;

/** A configuration of a pipeline's network, which is told what text encoders say. */
export type PipelineNetworkConfig = Extract<DenoiserConfig, { network: (typeof ofPipelines)[number] }>;

/** Whether a network is told what a pipeline's text encoders say. */
export function isOfPipeline(config: DenoiserConfig): config is PipelineNetworkConfig {
  return (ofPipelines as readonly string[]).includes(config.network);
}

/** Shape of one sample: `[C, H, W]`, `[C, T, H, W]`, `[D]` or `[L, V]`; pairs of a picture and a text are `[D]` too. */
export function sampleShape(config: DenoiserConfig): number[] {
  if (config.network === "mlp") return [config.dimension];
  if (config.network === "text-transformer") return [config.textLength, config.letters.length];
  if (config.network === "pair-unet") return [pairLayout(config).size];
  const sides = [config.imageResolution, config.imageResolution];
  if (config.network === "video-dit" || config.network === "video-unet")
    return [config.imageChannels, config.frames, ...sides];
  if (config.network === "wan")
    return [config.imageChannels, config.frames, sides[0]!, config.imageWidth ?? sides[1]!];
  return [config.imageChannels, ...sides];
}

/** How the pairs of a model are laid out. */
export function pairLayout(config: Extract<DenoiserConfig, { network: "pair-unet" }>): PairLayout {
  return new PairLayout({ ...config, letterCount: config.letters.length });
}

/** The facts of a denoiser with this configuration. */
export function factsOf(config: DenoiserConfig): ModelFacts {
  const { sigmaData, classNames, tasks, labelDim } = config;
  const shared = { sampleShape: sampleShape(config), sigmaData };
  if (config.network === "text-unet") {
    const { vocabulary, textLength, prompts } = config;
    return { ...shared, condition: { tokens: [textLength] }, text: { vocabulary, textLength, prompts } };
  }
  if (config.network === "unet-2d-condition") return { ...shared, condition: toldToUNet2DCondition(config) };
  if (config.network === "sd3" || config.network === "flux" || config.network === "wan")
    return { ...shared, condition: toldToTransformer(config) };
  const condition: ConditionShapes = labelDim > 0 ? { class: [labelDim] } : {};
  return { ...shared, condition, ...(classNames ? { classNames } : {}), ...(tasks ? { tasks } : {}) };
}
