import type { DenoiserConfigInput } from "../../models/denoiser-config.js";
import { submodules } from "../edm/edm-network.js";
import { PersistentObject } from "../edm/persistent-object.js";
import { shown } from "../pickle/text-values.js";
import { PickleTuple, type PickleValue } from "../pickle/values.js";

type Fail = (problem: string) => never;

/** EDM2's names (`Precond` and `UNet`) of our fields; null for those given elsewhere. */
const attributes: Readonly<Record<string, string | null>> = {
  img_resolution: "imageResolution",
  img_channels: "imageChannels",
  label_dim: "labelDim",
  sigma_data: "sigmaData",
  use_fp16: null,
  training: null,
};
const parameters: Readonly<Record<string, string | null>> = {
  img_resolution: null,
  img_channels: null,
  label_dim: null,
  model_channels: "modelChannels",
  channel_mult: "channelMultipliers",
  channel_mult_noise: "noiseMultiplier",
  channel_mult_emb: "embeddingMultiplier",
  num_blocks: "blocksPerResolution",
  attn_resolutions: "attentionResolutions",
  label_balance: "labelBalance",
  concat_balance: "concatBalance",
  resample_filter: "resampleFilter",
  channels_per_head: "channelsPerHead",
  dropout: "dropout",
  res_balance: "residualBalance",
  attn_balance: "attentionBalance",
  clip_act: "clipActivations",
};

/** Whether an object is a network of NVlabs/edm2 with its preconditioning. */
export function isEdm2(object: PersistentObject): boolean {
  return object.className === "Precond" && submodules(object).get("unet") instanceof PersistentObject;
}

/**
 * The configuration of a network of NVlabs/edm2, from the arguments it was made with. Defaults are the same in both
 * implementations.
 * @param fail called with an unknown field; values are not checked here
 */
export function describeEdm2Network(object: PersistentObject, fail: Fail): DenoiserConfigInput {
  const unet = submodules(object).get("unet") as PersistentObject;
  if (unet.className !== "UNet") {
    return fail(`network ${shown(unet.className)} of NVlabs/edm2 is not known (UNet is)`);
  }
  const given = unet.state.get("_init_kwargs");
  const positional = unet.state.get("_init_args");
  if (!(given instanceof Map) || (positional instanceof PickleTuple && positional.items.length > 0)) {
    return fail("UNet has no record of its arguments: give them by --config");
  }
  const config: Record<string, unknown> = { network: "edm2", preconditioning: "edm" };
  const settings = [...object.state].filter(([name]) => typeof name !== "string" || !name.startsWith("_"));
  for (const [table, entries, className] of [
    [attributes, settings, "Precond"],
    [parameters, [...given], "UNet"],
  ] as const) {
    for (const [name, value] of entries) {
      const known = typeof name === "string" && Object.hasOwn(table, name);
      if (!known) return fail(`${className} has an unknown setting ${shown(String(name))}`);
      const ours = table[name];
      if (ours === null || ours === undefined) continue;
      // None means the default, except for the limit of activations, where it means no limit.
      if (value !== null || ours === "clipActivations")
        config[ours] = setting(value, `${className}.${name}`, fail);
    }
  }
  return config as unknown as DenoiserConfigInput;
}

/** The network's tensors by key, without the uncertainty estimate, which only training uses. */
export function withoutUncertainty<Value>(tensors: ReadonlyMap<string, Value>): Map<string, Value> {
  return new Map([...tensors].filter(([key]) => !key.startsWith("logvar_")));
}

function setting(value: PickleValue, field: string, fail: Fail): number | number[] | null {
  if (value === null || typeof value === "number") return value;
  const items = value instanceof PickleTuple ? value.items : value;
  if (Array.isArray(items) && items.length <= 64 && items.every((item) => typeof item === "number")) {
    return items as number[];
  }
  return fail(`${shown(field)} is neither a number nor a list of numbers`);
}
