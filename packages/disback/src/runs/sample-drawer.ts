import type { Device, Tensor } from "@disback/torch";
import { UsageError } from "../errors.js";
import { type DenoiserConfig, sampleShape } from "../models/config.js";
import type { Denoiser } from "../models/denoiser.js";
import { ddim, euler, heun, oneStep } from "../models/samplers.js";
import { readGeneratorFile } from "./generator-file.js";
import { LatentSource } from "./latent-source.js";
import { locateModel } from "./locate-model.js";
import { type OpeningOptions, openModel } from "./open-model.js";

/** How samples are drawn from a model. */
export interface DrawingOptions {
  seed: number;
  device: Device;
  /** Sampler steps; 1 for a student, 18 for a teacher when not given. */
  steps?: number | undefined;
  sampler: "heun" | "euler" | "ddim";
  sigmaMin: number;
  sigmaMax: number;
  rho: number;
  /** Class to draw; all in turn when not given. */
  label?: number | undefined;
}

/** Draws samples, batch by batch, always the same for the same seed and batch sizes. */
export interface SampleDrawer {
  /** `[C, H, W]` or `[D]` */
  sampleShape: number[];
  labelDim: number;
  /** Network evaluations per sample (NFE). */
  evaluations: number;
  draw(count: number): { samples: Tensor; labels?: number[] };
}

/** Opens a student (one step) or a teacher (a sampler), whichever the folder holds. */
export function openDrawer(source: string, options: DrawingOptions & OpeningOptions): SampleDrawer {
  const { denoiser, config } = openModel(source, options);
  const generator = readGeneratorFile(locateModel(source));
  if (generator === undefined)
    return teacherDrawer(denoiser, config, { ...options, steps: options.steps ?? 18 });
  if (options.steps !== undefined && options.steps !== 1) {
    throw new UsageError(`--steps ${options.steps}: ${source} is a one-step student`);
  }
  return studentDrawer(denoiser, config, generator.sigmaInit, options);
}

/** A student's samples, G(z) = D(sigmaInit z; sigmaInit). */
export function studentDrawer(
  denoiser: Denoiser,
  config: DenoiserConfig,
  sigmaInit: number,
  options: Pick<DrawingOptions, "seed" | "device" | "label">,
): SampleDrawer {
  return drawer(config, options, 1, (latents, condition) => oneStep(denoiser, latents, sigmaInit, condition));
}

/** A teacher's samples by one of EDM's samplers. */
export function teacherDrawer(
  denoiser: Denoiser,
  config: DenoiserConfig,
  options: DrawingOptions & { steps: number },
): SampleDrawer {
  const sampler = { heun, euler, ddim }[options.sampler];
  const { steps, sigmaMin, sigmaMax, rho } = options;
  const evaluations = options.sampler === "heun" ? 2 * steps - 1 : steps;
  return drawer(config, options, evaluations, (latents, condition) =>
    sampler(denoiser, latents, { steps, sigmaMin, sigmaMax, rho, ...(condition ? { condition } : {}) }),
  );
}

function drawer(
  config: DenoiserConfig,
  options: Pick<DrawingOptions, "seed" | "device" | "label">,
  evaluations: number,
  generate: (latents: Tensor, condition?: Tensor) => Tensor,
): SampleDrawer {
  const { label } = options;
  if (label !== undefined && label >= config.labelDim) {
    const classes =
      config.labelDim === 0
        ? "this model has no classes"
        : `this model's classes are 0 to ${config.labelDim - 1}`;
    throw new UsageError(`--label ${label}: ${classes}`);
  }
  const shape = sampleShape(config);
  const source = new LatentSource(shape, config.labelDim, options);
  return {
    sampleShape: shape,
    labelDim: config.labelDim,
    evaluations,
    draw(count) {
      const { latents, condition, labels } = source.next(count);
      return { samples: generate(latents, condition), ...(labels ? { labels } : {}) };
    },
  };
}
