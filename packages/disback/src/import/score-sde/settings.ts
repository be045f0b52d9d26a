import { z } from "zod";
import { DisbackError } from "../../errors.js";
import type { SdeStructure } from "./weights.js";

const positive = z.number().positive();
const list = z.array(z.number().int().positive());

/** Fields of score_sde's configurations that define the network. */
const known = {
  // training
  sde: z.enum(["vpsde", "vesde"], { error: 'only "vpsde" and "vesde" are supported' }),
  continuous: z.boolean(),
  // data
  image_size: z.int().positive(),
  num_channels: z.int().positive(),
  centered: z.boolean(),
  // model
  name: z.literal("ncsnpp", { error: 'only "ncsnpp" is supported, which DDPM++ is too' }),
  fir: z.boolean(),
  fir_kernel: z.array(z.number()).length(4),
  dropout: z.number().min(0).lt(1),
  sigma_min: positive,
  sigma_max: positive,
  num_scales: z.int().min(2),
  beta_min: positive,
  beta_max: positive,
  scale_by_sigma: z.boolean(),
  skip_rescale: z.literal(true, { error: "only true is supported" }),
  conditional: z.literal(true, { error: "only true is supported" }),
  nonlinearity: z.literal("swish", { error: 'only "swish" is supported' }),
  progressive_combine: z.literal("sum", { error: 'only "sum" is supported' }),
  resblock_type: z.literal("biggan", { error: 'only "biggan" is supported' }),
  nf: z.int(),
  ch_mult: list,
  num_res_blocks: z.int(),
  attn_resolutions: list,
  embedding_type: z.enum(["fourier", "positional"]),
  progressive: z.enum(["none", "output_skip", "residual"]),
  progressive_input: z.enum(["none", "input_skip", "residual"]),
};

/** Fields of initialisation and training, which do not change the network. */
const harmless = new Set([
  ...[
    "init_scale",
    "fourier_scale",
    "ema_rate",
    "normalization",
    "attention_type",
    "conv_size",
    "resamp_with_conv",
  ],
  ...[
    "dataset",
    "random_flip",
    "uniform_dequantization",
    "tfrecords_path",
    "category",
    "reduce_mean",
    "n_iters",
  ],
  ...[
    "batch_size",
    "snapshot_freq",
    "log_freq",
    "eval_freq",
    "snapshot_freq_for_preemption",
    "snapshot_sampling",
  ],
  ...["likelihood_weighting", "n_jitted_steps", "seed", "device"],
]);
/** Parts of a configuration. Unread parts are about training, sampling and evaluation. */
const sections = new Set(["training", "data", "model"]);
const otherSections = new Set(["sampling", "eval", "optim"]);

type Fields = z.output<z.ZodObject<{ [Name in keyof typeof known]: z.ZodOptional<(typeof known)[Name]> }>>;

/** Settings that weights do not show are required. */
export type SdeSettings = Fields & Required<Pick<Fields, "sde" | "image_size" | "fir">>;

/**
 * Checks a configuration of score_sde: an object of its fields, flat or in its sections.
 * @param place file for messages
 * @throws DisbackError naming the field: missing, unknown or not supported
 */
export function parseSdeSettings(value: unknown, place: string): SdeSettings {
  const fail = (problem: string): never => {
    throw new DisbackError(`${place}: ${problem}`);
  };
  if (!isObject(value)) return fail("not a list of score_sde's settings, such as sde: vpsde");
  if ("network" in value) {
    fail(
      "these weights are score_sde's: give their training settings (sde, …), not a configuration of disback",
    );
  }
  const flat = Object.entries(value).flatMap(([name, entry]): [string, unknown][] => {
    if (sections.has(name) && isObject(entry)) return Object.entries(entry);
    return otherSections.has(name) && isObject(entry) ? [] : [[name, entry]];
  });
  const unknown = flat.find(([name]) => !(name in known) && !harmless.has(name));
  if (unknown) fail(`"${unknown[0]}" is not a setting of score_sde that disback knows`);
  const result = z
    .object(known)
    .partial()
    .safeParse(Object.fromEntries(flat.filter(([name]) => name in known)));
  if (!result.success) {
    return fail(result.error.issues.map(({ path, message }) => `"${path.join(".")}": ${message}`).join("; "));
  }
  const settings = result.data as Fields;
  for (const name of ["sde", "image_size", "fir"] as const) {
    if (settings[name] === undefined) fail(`"${name}" is missing, and weights do not show it`);
  }
  return settings as SdeSettings;
}

/**
 * Finds contradictions between settings and weights, and unsupported values.
 * @param fail called with field and problem
 */
export function checkSdeSettings(
  settings: SdeSettings,
  structure: SdeStructure,
  fail: (problem: string) => never,
): void {
  const { levels, modelChannels, encoderType, decoderType } = structure;
  const told: Partial<Record<keyof Fields, unknown>> = {
    num_channels: structure.imageChannels,
    nf: modelChannels,
    ch_mult: levels.map(({ channels }) => channels / modelChannels),
    num_res_blocks: structure.blocksPerLevel,
    attn_resolutions: attentionResolutions(structure, settings.image_size),
    embedding_type: structure.embedding,
    progressive: { standard: "none", skip: "output_skip" }[decoderType],
    progressive_input: { standard: "none", skip: "input_skip", residual: "residual" }[encoderType],
  };
  for (const [name, found] of Object.entries(told)) {
    const stated = settings[name as keyof Fields];
    if (stated !== undefined && String(stated) !== String(found)) {
      fail(`"${name}" is ${stated}, but the weights belong to a network with ${String(found) || "none"}`);
    }
  }
  const variance = settings.sde === "vesde";
  // Its VE networks see data in [0, 1] and divide by the noise level, its VP networks neither.
  for (const [name, usual] of [
    ["centered", !variance],
    ["scale_by_sigma", variance],
  ] as const) {
    if ((settings[name] ?? usual) !== usual)
      fail(`"${name}": with ${settings.sde} only ${usual} is supported`);
  }
  const expected = variance ? "fourier" : "positional";
  if (structure.embedding !== expected) {
    fail(
      `"sde": ${settings.sde} is supported with "${expected}" embeddings, these are "${structure.embedding}"`,
    );
  }
  if (variance && settings.continuous === false) fail('"continuous": with vesde only true is supported');
}

/** Resolutions at which there is attention. */
export function attentionResolutions({ levels }: SdeStructure, imageSize: number): number[] {
  return levels.flatMap(({ attention }, level) => (attention ? [imageSize >> level] : []));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
