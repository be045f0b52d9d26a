import { z } from "zod";
import { DisbackError } from "../../errors.js";
import type { DenoiserConfigInput } from "../../models/denoiser-config.js";
import { shown } from "../pickle/text-values.js";
import type { DiffusersComponent } from "./folder.js";
import { parseFields } from "./parse-fields.js";

/** Schedulers that differ in how they sample, not in the noise levels the network was trained at; same defaults. */
const schedulers: ReadonlySet<string> = new Set([
  "DDPMScheduler",
  "DDPMParallelScheduler",
  "DDIMScheduler",
  "DDIMParallelScheduler",
  "DDIMInverseScheduler",
  "PNDMScheduler",
  "LMSDiscreteScheduler",
  "EulerDiscreteScheduler",
  "EulerAncestralDiscreteScheduler",
  "DPMSolverMultistepScheduler",
  "DPMSolverSinglestepScheduler",
  "DEISMultistepScheduler",
  "UniPCMultistepScheduler",
]);

const rules = {
  linear: "linear",
  scaled_linear: "scaled-linear",
  squaredcos_cap_v2: "cosine",
  sigmoid: "sigmoid",
} as const;
const predictions = { epsilon: "epsilon", v_prediction: "v", sample: "sample" } as const;

const beta = z.number().positive().lt(1);
const fields = z.looseObject({
  num_train_timesteps: z.int().min(2).default(1000),
  beta_start: beta.default(1e-4),
  beta_end: beta.default(0.02),
  beta_schedule: z.enum(Object.keys(rules) as [keyof typeof rules]).default("linear"),
  trained_betas: z.array(z.number().positive().max(1)).min(2).nullish(),
  prediction_type: z.enum(Object.keys(predictions) as [keyof typeof predictions]).default("epsilon"),
  rescale_betas_zero_snr: z.boolean().default(false),
  variance_type: z.string().nullish(),
  clip_sample: z.boolean().nullish(),
  clip_sample_range: z.number().positive().default(1),
  use_flow_sigmas: z.literal(false).nullish(),
});

/** The part of a denoiser's configuration that says what the network estimates, at which noise levels. */
export type DiscreteSchedule = Pick<
  DenoiserConfigInput,
  | "prediction"
  | "timesteps"
  | "betaSchedule"
  | "betaStart"
  | "betaEnd"
  | "betas"
  | "zeroTerminalSnr"
  | "learnedVariance"
  | "clipSample"
> & { preconditioning: "discrete" };

/**
 * What a scheduler's configuration says of the network's training.
 * @throws DisbackError naming file and field: a scheduler, rule or prediction that is not known
 */
export function describeSchedule(scheduler: DiffusersComponent): DiscreteSchedule {
  const { className, configPath } = scheduler;
  if (!schedulers.has(className)) {
    throw new DisbackError(
      `${configPath}: "_class_name": ${shown(className)} is not known (${[...schedulers].join(", ")} are)`,
    );
  }
  const given = parseFields(fields, scheduler);
  return {
    preconditioning: "discrete",
    prediction: predictions[given.prediction_type],
    ...(given.trained_betas
      ? { betas: given.trained_betas }
      : {
          timesteps: given.num_train_timesteps,
          betaSchedule: rules[given.beta_schedule],
          betaStart: given.beta_start,
          betaEnd: given.beta_end,
        }),
    ...(given.rescale_betas_zero_snr ? { zeroTerminalSnr: true } : {}),
    ...(given.variance_type?.startsWith("learned") ? { learnedVariance: true } : {}),
    ...(clips(className, given.clip_sample) ? { clipSample: given.clip_sample_range } : {}),
  };
}

/** Only the schedulers of DDPM and DDIM cut off, and they do unless told not to. */
function clips(className: string, stated: boolean | null | undefined): boolean {
  return stated ?? /^DD[PI]M/.test(className);
}
