import type { StoredTensor } from "../checkpoint/stored-tensor.js";

type Fail = (problem: string) => never;

/** A part of score_sde's list `all_modules`, recognised by its keys. */
export interface SdeModule {
  kind:
    | "fourier"
    | "linear"
    | "convolution"
    | "norm"
    | "block"
    | "resample"
    | "attention"
    | "combine"
    | "pyramid";
  /** prefix of its keys, `all_modules.3` */
  key: string;
  /** channels of its output, or of the normalized input */
  channels: number;
}

/** Tensors by key. */
export type Weights = ReadonlyMap<string, StoredTensor>;

/**
 * The list `all_modules` of an NCSN++ of score_sde, which has the same parts as DDPM++. @param fail called with an
 * unknown part
 */
export function sdeModules(weights: Weights, fail: Fail): SdeModule[] {
  const byIndex = new Map<number, Set<string>>();
  for (const key of weights.keys()) {
    const [, index, rest] = /^all_modules\.(\d{1,6})\.(.+)$/.exec(key) ?? [];
    if (index === undefined || rest === undefined) {
      if (key !== "sigmas") fail(`score_sde: disback does not know what ${key} is`);
      continue;
    }
    const keys = byIndex.get(Number(index)) ?? new Set();
    byIndex.set(Number(index), keys.add(rest));
  }
  return [...byIndex.keys()]
    .sort((a, b) => a - b)
    .map((index, place) => {
      if (index !== place)
        fail(`score_sde: all_modules.${place} has no weights: resampling without weights is not supported`);
      return moduleOf(`all_modules.${index}`, byIndex.get(index)!, weights, fail);
    });
}

function moduleOf(key: string, keys: ReadonlySet<string>, weights: Weights, fail: Fail): SdeModule {
  const shape = (name: string) => weights.get(`${key}.${name}`)!.shape;
  const simple = { 1: "norm", 2: "linear", 4: "convolution" } as const;
  const made = (kind: SdeModule["kind"], channels: number | undefined): SdeModule => ({
    kind,
    key,
    channels: channels ?? fail(`score_sde: ${key} has a wrong shape`),
  });
  if (keys.has("W")) return made("fourier", shape("W")[0]);
  if (keys.has("weight")) {
    const kind = simple[shape("weight").length as keyof typeof simple];
    if (kind) return made(kind, shape("weight")[0]);
  }
  if (keys.has("NIN_3.W")) return made("attention", shape("NIN_3.W")[0]);
  if (keys.has("NIN_0.W"))
    return fail(`score_sde: ${key}: resblock_type "ddpm" is not supported, only "biggan"`);
  if (keys.has("Conv_1.weight") && keys.has("Conv_0.weight")) {
    const [out, into] = shape("Conv_0.weight");
    // If input and output have the same width, a pointwise skip convolution means that the block resamples.
    return made(keys.has("Conv_2.weight") && out === into ? "resample" : "block", out);
  }
  if (keys.has("Conv2d_0.weight")) return made("pyramid", shape("Conv2d_0.weight")[0]);
  if (keys.has("Conv_0.weight") && shape("Conv_0.weight")[2] === 1)
    return made("combine", shape("Conv_0.weight")[0]);
  return fail(`score_sde: disback does not know what ${key} is (${[...keys].slice(0, 3).join(", ")})`);
}
