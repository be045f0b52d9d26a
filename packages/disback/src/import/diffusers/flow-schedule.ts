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

/** What a scheduler of flow matching says of a network's noise levels. */
export interface FlowSchedule {
  preconditioning: "flow-matching";
  /** sampling's times are `shift t / (1 + (shift - 1) t)` of evenly spaced ones */
  shift: number;
  /** the shift grows with the picture's size between these two instead, as Flux has it: e^base to e^max */
  dynamicShift: { base: number; max: number } | null;
}

/** Reads the configuration of a `FlowMatchEulerDiscreteScheduler`. @throws DisbackError naming file and field */
export function describeFlowSchedule(component: GivenConfig): FlowSchedule {
  const given = parseStrictFields(fields, harmless, component);
  const dynamic = given.use_dynamic_shifting
    ? { base: given.base_shift ?? 0.5, max: given.max_shift ?? 1.15 }
    : null;
  return { preconditioning: "flow-matching", shift: given.shift, dynamicShift: dynamic };
}
