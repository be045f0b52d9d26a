import { z } from "zod";
import { DisbackError } from "../../errors.js";
import type { DenoiserConfigInput } from "../../models/denoiser-config.js";
import { shown } from "../pickle/text-values.js";
import type { DiffusersComponent } from "./folder.js";
import { only, parseStrictFields } from "./strict-fields.js";

/** Schedulers that differ only in sampling, not in the training's noise levels; same defaults. */
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
const fields = {
  num_train_timesteps: z.int().min(2).default(1000),
  beta_start: beta.default(1e-4),
  beta_end: beta.default(0.02),
  beta_schedule: z.enum(Object.keys(rules) as [keyof typeof rules]).default("linear"),
  trained_betas: z.array(z.number().positive().max(1)).min(2).nullish(),
  prediction_type: z.enum(Object.keys(predictions) as [keyof typeof predictions]).optional(),
  /** the field before `prediction_type` (2023): false means "sample" */
  predict_epsilon: z.boolean().nullish(),
  rescale_betas_zero_snr: z.boolean().default(false),
  variance_type: z
    .enum(["fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log", "learned", "learned_range"])
    .nullish(),
  clip_sample: z.boolean().nullish(),
  clip_sample_range: z.number().positive().default(1),
  thresholding: z.boolean().default(false),
  /** "continuous" gives the network ln(sigma) / 4 instead of a step */
  timestep_type: only("discrete"),
  use_flow_sigmas: only(false, null),
  use_dynamic_shifting: only(false, null),
};

/** Fields that only affect sampling, not the training's noise levels. */
const harmless = [
  // which steps it takes, and how it ends
  ...["timestep_spacing", "steps_offset", "set_alpha_to_one", "set_alpha_to_zero", "skip_prk_steps"],
  ...["final_sigmas_type", "lower_order_final", "euler_at_final", "lambda_min_clipped", "timestep_values"],
  ...["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas"],
  ...["sigma_min", "sigma_max", "interpolation_type"],
  // which solver it is
  ...["solver_order", "solver_type", "algorithm_type", "predict_x0", "solver_p", "disable_corrector"],
  // how it changes estimates, like `clip_sample`
  ...["dynamic_thresholding_ratio", "sample_max_value"],
  // only for flow matching, which is refused
  ...["flow_shift", "time_shift_type", "shift_terminal"],
  // from the years when diffusers also used NumPy arrays
  ...["tensor_format", "format"],
];

/** The part of a denoiser's configuration for the prediction and the noise levels. */
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
 * The facts about the network's training in a scheduler's configuration. @throws DisbackError naming file and field: an
 * unknown scheduler, rule or prediction
 */
export function describeSchedule(scheduler: DiffusersComponent): DiscreteSchedule {
  const { className, configPath } = scheduler;
  if (!schedulers.has(className)) {
    throw new DisbackError(
      `${configPath}: "_class_name": ${shown(className)} is not known (${[...schedulers].join(", ")} are)`,
    );
  }
  const given = parseStrictFields(fields, harmless, scheduler, checkPrediction);
  const prediction = given.prediction_type ?? (given.predict_epsilon === false ? "sample" : "epsilon");
  return {
    preconditioning: "discrete",
    prediction: predictions[prediction],
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

/** Two fields state the prediction; the older one must agree. */
function checkPrediction(
  given: z.output<z.ZodObject<typeof fields>>,
  fail: (field: string, message: string) => void,
): void {
  const { predict_epsilon: older, prediction_type: type } = given;
  if (typeof older !== "boolean" || type === undefined || older === (type === "epsilon")) return;
  fail("predict_epsilon", `${older} contradicts "prediction_type": "${type}"`);
}

/** Changes of the network's estimates that the scheduler makes in sampling and the denoiser does not. */
export function changesEstimates({ config }: DiffusersComponent): string[] {
  return config["thresholding"] === true
    ? ["the original's sampler thresholds its estimates (thresholding); the denoiser does not"]
    : [];
}

/** Only the schedulers of DDPM and DDIM clip, and they do so by default. */
function clips(className: string, stated: boolean | null | undefined): boolean {
  return stated ?? /^DD[PI]M/.test(className);
}
