import { Generator } from "@disback/torch";
import type { Dataset } from "../data/dataset.js";
import { someSamples } from "../data/some-samples.js";
import { type KlConfig, parseAutoencoderConfig } from "../models/autoencoder/autoencoder-config.js";
import { AutoencoderKl } from "../models/autoencoder/autoencoder-kl.js";
import { PictureAutoencoder } from "../models/autoencoder/picture-autoencoder.js";
import { randomWeights } from "../models/weights.js";
import type { Execution } from "../training/execution.js";
import type { TeacherTrainingSettingsInput } from "./settings.js";
import { TeacherTraining } from "./training.js";
import { VariationalFit } from "./variational-fit.js";

/** Sizes of an autoencoder that is to be trained; its scaling is measured in the end. */
export type UntrainedAutoencoder = Omit<KlConfig, "scalingFactor" | "shiftFactor">;

/** Options of training an autoencoder; the settings of noise levels and labels have no effect. */
export interface AutoencoderTrainingOptions extends TeacherTrainingSettingsInput {
  config: UntrainedAutoencoder;
  /** pictures in [-1, 1] */
  dataset: Dataset;
  /** see `VariationalFit`; default 1e-6 */
  klWeight?: number;
  execution?: Execution;
}

/** Pictures from which the latents' standard deviation is measured. */
export const MEASURED_PICTURES = 256;

/** An untrained autoencoder for pictures of this shape. @throws DisbackError if they do not fit */
export function untrainedAutoencoder(
  config: UntrainedAutoencoder,
  sampleShape: readonly number[],
  generator: Generator,
): PictureAutoencoder {
  const parsed = parseAutoencoderConfig({ ...config, scalingFactor: 1 }) as KlConfig;
  return new PictureAutoencoder(new AutoencoderKl(randomWeights(generator), parsed), sampleShape);
}

/**
 * Trains a variational autoencoder, as `disback teacher train` does.
 * @returns it with averaged weights; its scaled latents have a standard deviation of 1
 * @throws DisbackError naming the setting that is wrong, or if the pictures do not fit the autoencoder
 */
export async function trainAutoencoder(options: AutoencoderTrainingOptions): Promise<AutoencoderKl> {
  const { config, dataset, klWeight, execution, ...settings } = options;
  const training = new TeacherTraining({
    ...settings,
    ...{ dataset, fit: new VariationalFit(klWeight), ...(execution ? { execution } : {}) },
    denoiser: untrainedAutoencoder(config, dataset.sampleShape, new Generator(execution?.seed ?? 0)),
  });
  while (!training.finished) await training.step();
  const { samples } = await someSamples(dataset, MEASURED_PICTURES);
  const result = training.average.withUnitLatents(samples);
  training.dispose();
  return result;
}
