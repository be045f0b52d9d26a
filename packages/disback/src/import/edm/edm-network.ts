import type { DenoiserConfigInput } from "../../models/denoiser-config.js";
import { shown } from "../pickle/text-values.js";
import { PickleTuple, type PickleValue } from "../pickle/values.js";
import { constructionOf } from "./construction.js";
import { PersistentObject } from "./persistent-object.js";

type Fail = (problem: string) => never;

/** Our name of a preconditioning, and of its attributes, by those of Karras et al. 2022's implementation. */
export const preconditionings: Readonly<
  Record<string, { name: string; attributes: Record<string, string> }>
> = {
  EDMPrecond: {
    name: "edm",
    attributes: { sigma_data: "sigmaData", sigma_min: "sigmaMin", sigma_max: "sigmaMax" },
  },
  VPPrecond: {
    name: "vp",
    attributes: { beta_d: "betaSlope", beta_min: "betaMin", M: "timesteps", epsilon_t: "smallestTime" },
  },
  VEPrecond: { name: "ve", attributes: { sigma_min: "sigmaMin", sigma_max: "sigmaMax" } },
  iDDPMPrecond: {
    name: "iddpm",
    attributes: { C_1: "smallestRatio", C_2: "cosineOffset", M: "timesteps" },
  },
};

const imageAttributes = {
  img_resolution: "imageResolution",
  img_channels: "imageChannels",
  label_dim: "labelDim",
};

/** Attributes that follow from others, or only affect how the original computes. */
const derivedAttributes: ReadonlySet<string> = new Set(["sigma_min", "sigma_max", "use_fp16", "training"]);

/** Arguments of both networks in order; null for those that come from the preconditioning. */
const commonArguments: readonly [theirs: string, ours: string | null][] = [
  ["img_resolution", null],
  ["in_channels", null],
  ["out_channels", null],
  ["label_dim", null],
  ["augment_dim", "augmentDim"],
  ["model_channels", "modelChannels"],
  ["channel_mult", "channelMultipliers"],
  ["channel_mult_emb", "embeddingMultiplier"],
  ["num_blocks", "blocksPerResolution"],
  ["attn_resolutions", "attentionResolutions"],
  ["dropout", "dropout"],
  ["label_dropout", "labelDropout"],
];
export const networks: Readonly<Record<string, { name: string; parameters: typeof commonArguments }>> = {
  SongUNet: {
    name: "song-unet",
    parameters: [
      ...commonArguments,
      ["embedding_type", "embeddingType"],
      ["channel_mult_noise", "noiseMultiplier"],
      ["encoder_type", "encoderType"],
      ["decoder_type", "decoderType"],
      ["resample_filter", "resampleFilter"],
    ],
  },
  DhariwalUNet: { name: "dhariwal-unet", parameters: commonArguments },
};

/**
 * The configuration of a network of NVlabs/edm, from its class and the arguments it was made with. Defaults are the
 * same in both implementations.
 * @param fail called with an unknown class or field; values are not checked here
 */
export function describeEdmNetwork(object: PersistentObject, fail: Fail): DenoiserConfigInput {
  const precondition = own(preconditionings, object.className);
  if (!precondition) {
    const among = Object.keys(preconditionings).join(", ");
    return fail(`class ${shown(object.className)} is not a network that disback knows (${among})`);
  }
  const built = constructionOf(object);
  if (built) return describeConstruction(precondition, built.arguments, object.className, fail);
  const model = submodules(object).get("model");
  if (!(model instanceof PersistentObject)) return fail(`${object.className} without its network`);
  const network = own(networks, model.className);
  if (!network) {
    return fail(
      `network ${shown(model.className)} is not known (${Object.keys(networks).join(" and ")} are)`,
    );
  }
  const config: Record<string, unknown> = { network: network.name, preconditioning: precondition.name };
  const attributes = { ...precondition.attributes, ...imageAttributes };
  for (const [theirs, ours] of Object.entries(attributes)) {
    const value = setting(object.state.get(theirs) ?? null, `${object.className}.${theirs}`, fail);
    // Absent in files of older versions. EDM's own highest level is infinite; we omit it.
    if (value !== null && value !== Number.POSITIVE_INFINITY) config[ours] = value;
  }
  for (const name of object.state.keys()) {
    const isKnown = typeof name !== "string" || name.startsWith("_") || derivedAttributes.has(name);
    if (!isKnown && !(name in attributes))
      fail(`${object.className} has an unknown attribute ${shown(name)}`);
  }
  const names = new Map(network.parameters);
  for (const [theirs, value] of argumentsOf(model, network.parameters, fail)) {
    const ours = names.get(theirs);
    if (ours === undefined) fail(`${model.className} has an unknown argument ${shown(theirs)}`);
    else if (ours !== null) config[ours] = setting(value, `${model.className}.${theirs}`, fail);
  }
  return config as unknown as DenoiserConfigInput;
}

/** Our own EDM pickle: all arguments, including those of the inner network. */
function describeConstruction(
  precondition: (typeof preconditionings)[string],
  given: ReadonlyMap<PickleValue, PickleValue>,
  className: string,
  fail: Fail,
): DenoiserConfigInput {
  const type = given.get("model_type");
  const network = typeof type === "string" ? own(networks, type) : undefined;
  if (!network) return fail(`${className} without the class of its network`);
  const names = new Map<PickleValue, string | null>([
    ...network.parameters,
    ...Object.entries({ ...precondition.attributes, ...imageAttributes }),
    ["model_type", null],
  ]);
  const config: Record<string, unknown> = { network: network.name, preconditioning: precondition.name };
  for (const [theirs, value] of given) {
    const ours = names.get(theirs);
    if (ours === undefined) return fail(`${className} has an unknown argument ${shown(String(theirs))}`);
    if (ours !== null) config[ours] = setting(value, `${className}.${String(theirs)}`, fail);
  }
  return config as unknown as DenoiserConfigInput;
}

/** The modules inside of one, by name. */
export function submodules(object: PersistentObject): ReadonlyMap<PickleValue, PickleValue> {
  const modules = object.state.get("_modules");
  return modules instanceof Map ? modules : new Map();
}

function argumentsOf(
  model: PersistentObject,
  parameters: typeof commonArguments,
  fail: Fail,
): Map<string, PickleValue> {
  const positional = model.state.get("_init_args");
  const named = model.state.get("_init_kwargs");
  if (!(named instanceof Map)) {
    return fail(`${model.className} has no record of its arguments: give them by --config`);
  }
  const given = new Map<string, PickleValue>();
  const items = positional instanceof PickleTuple ? positional.items : [];
  for (const [index, value] of items.entries()) {
    const name = parameters[index]?.[0];
    if (name === undefined) return fail(`${model.className} has too many arguments`);
    given.set(name, value);
  }
  for (const [name, value] of named) {
    if (typeof name !== "string") return fail(`${model.className} has an argument without a name`);
    given.set(name, value);
  }
  return given;
}

/** A number, a text, or a list of numbers. */
function setting(value: PickleValue, field: string, fail: Fail): number | string | number[] | null {
  if (value === null || typeof value === "number" || typeof value === "string") return value;
  const items = value instanceof PickleTuple ? value.items : value;
  if (Array.isArray(items) && items.length <= 64 && items.every((item) => typeof item === "number")) {
    return items as number[];
  }
  return fail(`${shown(field)} is neither a number, a text, nor a list of numbers`);
}

/** Without inherited properties of JavaScript objects. */
function own<Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
