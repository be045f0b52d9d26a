import { z } from "zod";
import { DisbackError } from "../../errors.js";
import type { AdmStructure } from "./structure.js";

/** Flags are text or JSON values. */
const whole = z.coerce.number().int();
const number = z.coerce.number();
const flag = z.preprocess((value) => {
  const word = String(value).toLowerCase();
  if (["true", "1", "yes"].includes(word)) return true;
  return ["false", "0", "no"].includes(word) ? false : value;
}, z.boolean());
const list = z.preprocess(
  (value) => (Array.isArray(value) ? value : String(value).split(",")).map(Number),
  z.array(z.number().positive()),
);

/** Flags of guided-diffusion's scripts that define the network; `defaults` has those that weights do not show. */
const known = {
  image_size: whole.min(1),
  num_channels: whole,
  num_res_blocks: whole,
  channel_mult: list,
  attention_resolutions: list,
  class_cond: flag,
  use_scale_shift_norm: flag,
  resblock_updown: flag,
  learn_sigma: flag,
  dropout: number.min(0).lt(1),
  num_heads: whole.min(1),
  num_head_channels: whole.refine((channels) => channels === -1 || channels > 0),
  num_heads_upsample: whole,
  use_new_attention_order: flag,
  diffusion_steps: whole.min(2),
  noise_schedule: z.enum(["linear", "cosine"]),
  predict_xstart: flag,
  rescale_timesteps: flag,
  clip_denoised: flag,
};

/** Flags of training, computation and sampling, which do not change the network. */
const harmless = new Set([
  ...["use_fp16", "use_checkpoint", "use_kl", "rescale_learned_sigmas", "timestep_respacing", "use_ddim"],
  ...["batch_size", "num_samples", "model_path", "classifier_path", "classifier_scale", "classifier_depth"],
  ...["schedule_sampler", "lr", "weight_decay", "lr_anneal_steps", "microbatch", "ema_rate", "log_interval"],
  ...["save_interval", "resume_checkpoint", "fp16_scale_growth", "data_dir", "sigma_small"],
]);

/** As in guided-diffusion's `model_and_diffusion_defaults`. */
const defaults = {
  num_heads: 4,
  num_head_channels: -1,
  use_new_attention_order: false,
  noise_schedule: "linear" as "linear" | "cosine",
  diffusion_steps: 1000,
  predict_xstart: false,
  rescale_timesteps: false,
  dropout: 0,
};

type Given = z.output<z.ZodObject<{ [Name in keyof typeof known]: z.ZodOptional<(typeof known)[Name]> }>>;

/** The relevant flags of a network. */
export type AdmFlags = typeof defaults & {
  image_size: number;
  clip_denoised: boolean;
  /** omitted flags with guided-diffusion's defaults, as text */
  assumed: string[];
};

/**
 * Checks flags of guided-diffusion against the weights.
 * @param value an object of flags, from a file
 * @param place file for messages
 * @throws DisbackError naming the flag: unknown, wrong, or contradicting the weights
 */
export function parseAdmFlags(value: unknown, structure: AdmStructure, place: string): AdmFlags {
  const fail = (problem: string): never => {
    throw new DisbackError(`${place}: ${problem}`);
  };
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return fail("not a list of guided-diffusion's flags, such as image_size: 64");
  }
  if ("network" in value) {
    fail(
      "these weights are guided-diffusion's (ADM): give their training flags (image_size, …), not a configuration of disback",
    );
  }
  const unknown = Object.keys(value).find((name) => !(name in known) && !harmless.has(name));
  if (unknown !== undefined) fail(`"${unknown}" is not a flag of guided-diffusion that disback knows`);
  const given = Object.fromEntries(
    Object.entries(value).filter(([name, flag]) => name in known && flag !== ""),
  );
  const result = z.object(known).partial().safeParse(given);
  if (!result.success) {
    return fail(result.error.issues.map(({ path, message }) => `"${path.join(".")}": ${message}`).join("; "));
  }
  const flags = result.data as Given;
  const size = flags.image_size ?? fail('"image_size" is missing, and weights do not show it');
  for (const [name, problem] of contradictions(flags, size, structure)) fail(`"${name}": ${problem}`);
  const assumed = Object.entries(defaults).filter(([name]) => flags[name as keyof Given] === undefined);
  return {
    ...defaults,
    ...Object.fromEntries(Object.entries(flags).filter(([name]) => name in defaults)),
    image_size: size,
    clip_denoised: flags.clip_denoised ?? true,
    assumed: assumed.filter(([name]) => matters(name, flags)).map(([name, value]) => `${name} ${value}`),
  };
}

/** Heads are given by number or by channels. */
function matters(name: string, flags: Given): boolean {
  if (name === "num_heads") return (flags.num_head_channels ?? -1) === -1;
  return name !== "num_head_channels" && name !== "rescale_timesteps" && name !== "dropout";
}

/** Finds contradictions between flags and weights, and unsupported values. */
function* contradictions(
  flags: Given,
  size: number,
  structure: AdmStructure,
): Generator<[flag: string, problem: string]> {
  const { levels, modelChannels } = structure;
  const attention = levels.flatMap((level, index) => (level.attention ? [size >> index] : []));
  const told = {
    num_channels: modelChannels,
    num_res_blocks: structure.blocksPerLevel,
    channel_mult: levels.map(({ channels }) => channels / modelChannels),
    class_cond: structure.classes > 0,
    use_scale_shift_norm: structure.scaleShift,
    resblock_updown: structure.resampling === "resnet",
    learn_sigma: structure.outChannels === 2 * structure.inChannels,
  };
  for (const [name, found] of Object.entries(told)) {
    const stated = flags[name as keyof Given];
    if (stated !== undefined && String(stated) !== String(found)) {
      yield [name, `${stated}, but the weights belong to a network with ${found}`];
    }
  }
  const stated = flags.attention_resolutions?.filter(
    (resolution) => resolution >= size >> (levels.length - 1),
  );
  if (stated && [...stated].sort((a, b) => b - a).join() !== attention.join()) {
    yield [
      "attention_resolutions",
      `${stated}, but the weights have attention at ${attention.join() || "none"}`,
    ];
  }
  const perHead = flags.num_head_channels ?? -1;
  const heads = flags.num_heads ?? defaults.num_heads;
  const wide = levels.filter(({ attention }, level) => attention || level === levels.length - 1);
  const uneven = wide.find(({ channels }) => channels % (perHead === -1 ? heads : perHead) !== 0);
  if (uneven) {
    const name = perHead === -1 ? "num_heads" : "num_head_channels";
    yield [
      name,
      `${perHead === -1 ? heads : perHead} does not divide the ${uneven.channels} channels of a level`,
    ];
  }
  const upwards = flags.num_heads_upsample ?? -1;
  if (upwards !== -1 && upwards !== heads) {
    yield ["num_heads_upsample", "other heads in the decoder are not supported"];
  }
  if (flags.rescale_timesteps && (flags.diffusion_steps ?? 1000) !== 1000) {
    yield ["rescale_timesteps", "only with 1000 diffusion_steps, where it changes nothing"];
  }
}
