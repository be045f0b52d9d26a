import { z } from "zod";
import { type GivenConfig, only, parseStrictFields } from "./strict-fields.js";

/** `FlowMatchEulerDiscreteScheduler`'s arguments, with its defaults. */
const fields = {
  num_train_timesteps: only(1000),
  shift: z.number().positive().default(1),
  use_dynamic_shifting: z.boolean().default(false),
  base_shift: z.number().nullish().default(0.5),
  max_shift: z.number().nullish().default(1.15),
  invert_sigmas: only(false),
};

/** How it spaces its steps: it changes what is sampled with, not what the network was trained to predict. */
const harmless = [
  "base_image_seq_len",
  "max_image_seq_len",
  "shift_terminal",
  "use_karras_sigmas",
  "use_exponential_sigmas",
  "use_beta_sigmas",
  "time_shift_type",
  "stochastic_sampling",
];

const onlyFlow = "this network needs a schedule of flow matching";

/** What a scheduler of flow matching says of a network's noise levels. */
export interface FlowSchedule {
  preconditioning: "flow-matching";
  /** sampling's times are `shift t / (1 + (shift - 1) t)` of evenly spaced ones */
  shift: number;
  /** the shift grows with the picture's size between these two instead, as Flux has it: e^base to e^max */
  dynamicShift: { base: number; max: number } | null;
}

/** `UniPCMultistepScheduler`'s arguments, as Wan has it. */
const uniPcFields = {
  num_train_timesteps: only(1000),
  prediction_type: z.literal("flow_prediction", { error: onlyFlow }),
  use_flow_sigmas: z.literal(true, { error: onlyFlow }),
  flow_shift: z.number().positive().default(1),
  use_dynamic_shifting: only(false),
  thresholding: only(false),
};

/** How it spaces its steps and combines them, and noise levels without effect beside those of flow matching. */
const uniPcHarmless = [
  ..."beta_start beta_end beta_schedule trained_betas rescale_betas_zero_snr steps_offset".split(" "),
  ..."solver_order solver_type solver_p predict_x0 lower_order_final disable_corrector".split(" "),
  ..."dynamic_thresholding_ratio sample_max_value timestep_spacing final_sigmas_type".split(" "),
  ..."use_karras_sigmas use_exponential_sigmas use_beta_sigmas shift_terminal".split(" "),
  ..."time_shift_type sigma_min sigma_max".split(" "),
];

/**
 * Reads the configuration of a `FlowMatchEulerDiscreteScheduler`, or of a `UniPCMultistepScheduler` of flow matching.
 * @throws DisbackError naming file and field
 */
export function describeFlowSchedule(component: GivenConfig): FlowSchedule {
  if (component.config["_class_name"] === "UniPCMultistepScheduler") {
    const { flow_shift: shift } = parseStrictFields(uniPcFields, uniPcHarmless, component);
    return { preconditioning: "flow-matching", shift, dynamicShift: null };
  }
  const given = parseStrictFields(fields, harmless, component);
  const dynamic = given.use_dynamic_shifting
    ? { base: given.base_shift ?? 0.5, max: given.max_shift ?? 1.15 }
    : null;
  return { preconditioning: "flow-matching", shift: given.shift, dynamicShift: dynamic };
}
