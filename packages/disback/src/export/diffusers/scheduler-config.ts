import { DisbackError } from "../../errors.js";
import type { DenoiserConfig } from "../../models/config.js";

const rules = {
  linear: "linear",
  "scaled-linear": "scaled_linear",
  cosine: "squaredcos_cap_v2",
  sigmoid: "sigmoid",
} as const;
const predictions = { epsilon: "epsilon", v: "v_prediction", sample: "sample" } as const;

/**
 * A scheduler of diffusers with the noise levels and the prediction of a denoiser.
 * @throws DisbackError if its levels are not a discrete schedule
 */
export function schedulerConfig(config: DenoiserConfig): Readonly<Record<string, unknown>> {
  return {
    ...noiseLevels(config, "DDPMScheduler"),
    variance_type: config.learnedVariance ? "learned_range" : "fixed_small",
    clip_sample: config.clipSample !== undefined,
    clip_sample_range: config.clipSample ?? 1,
  };
}

/** The fields that diffusers' schedulers share, as `schedulerConfig`. @param className the scheduler's */
export function noiseLevels(config: DenoiserConfig, className: string): Readonly<Record<string, unknown>> {
  if (config.preconditioning !== "discrete") {
    throw new DisbackError(
      `--format diffusers: its schedulers need a discrete schedule, not ${config.preconditioning} preconditioning`,
    );
  }
  return {
    _class_name: className,
    _diffusers_version: "0.42.0",
    num_train_timesteps: config.betas?.length ?? config.timesteps ?? 1000,
    beta_start: config.betaStart ?? 1e-4,
    beta_end: config.betaEnd ?? 0.02,
    beta_schedule: rules[config.betaSchedule ?? "linear"],
    trained_betas: config.betas ?? null,
    prediction_type: predictions[config.prediction ?? "epsilon"],
    rescale_betas_zero_snr: config.zeroTerminalSnr ?? false,
  };
}
