import { DisbackError } from "../../errors.js";
import { type DenoiserConfig, parseDenoiserConfig } from "../../models/denoiser-config.js";
import type { StoredWeight } from "../checkpoint/assembled-tensor.js";
import { StoredTensor } from "../checkpoint/stored-tensor.js";
import type { GivenFile } from "../given-file.js";
import type { PickleValue } from "../pickle/values.js";
import type { Weights } from "./modules.js";
import { attentionResolutions, checkSdeSettings, parseSdeSettings, type SdeSettings } from "./settings.js";
import { type SdeStructure, sdeNetwork } from "./weights.js";

type Fail = (problem: string) => never;

/** A network of yang-song/score_sde_pytorch (Song et al. 2021) as our denoiser. */
export interface DescribedScoreSde {
  config: DenoiserConfig;
  tensors: ReadonlyMap<string, StoredWeight>;
  notes: string[];
  /** other used parts of the file */
  used: string[];
}

/**
 * Describes an NCSN++ or DDPM++ of score_sde. Uses its averaged weights, which are a list without names.
 * @param average the checkpoint's "ema"
 * @param given its training settings and their file @param fail called with what is missing or not supported
 */
export async function describeScoreSde(
  weights: Weights,
  average: PickleValue | undefined,
  given: GivenFile | undefined,
  fail: Fail,
): Promise<DescribedScoreSde> {
  if (given === undefined) {
    return fail(
      "weights of yang-song/score_sde_pytorch, which are not enough: give their training settings by " +
        "--config FILE: sde, image_size, fir",
    );
  }
  const settings = parseSdeSettings(given.value, given.place);
  const averaged = withAverage(weights, average, fail);
  const { structure, tensors } = sdeNetwork(averaged ?? weights, settings.image_size, fail);
  checkSdeSettings(settings, structure, (problem) => {
    throw new DisbackError(`${given.place}: ${problem}`);
  });
  const levels = await levelsOf(settings, weights.get("sigmas"), fail);
  const dropout = settings.dropout === undefined ? ["score_sde's usual dropout is used: 0.1"] : [];
  return {
    config: parseDenoiserConfig({ ...networkConfig(settings, structure), ...levels }, given.place),
    tensors,
    notes: [
      averaged ? "averaged weights (ema)" : "weights that are not averaged: there is no ema",
      ...dropout,
    ],
    used: averaged ? ["ema"] : [],
  };
}

function networkConfig(settings: SdeSettings, structure: SdeStructure) {
  const { levels, modelChannels, embedding, encoderType, decoderType } = structure;
  return {
    network: "song-unet",
    imageResolution: settings.image_size,
    imageChannels: structure.imageChannels,
    modelChannels,
    channelMultipliers: levels.map(({ channels }) => channels / modelChannels),
    blocksPerResolution: structure.blocksPerLevel,
    attentionResolutions: attentionResolutions(structure, settings.image_size),
    embeddingType: embedding,
    noiseMultiplier: embedding === "fourier" ? 2 : 1,
    ...{ encoderType, decoderType },
    resampleFilter: settings.fir ? (settings.fir_kernel ?? [1, 3, 3, 1]) : [1, 1],
    dropout: settings.dropout ?? 0.1,
  };
}

/**
 * The noise levels. VE's are for data in [0, 1]; ours are in [-1, 1], twice as wide. VP was trained at continuous
 * times, or at the steps of DDPM.
 */
async function levelsOf(settings: SdeSettings, sigmas: StoredTensor | undefined, fail: Fail) {
  const { beta_min: lowest = 0.1, beta_max: highest = 20, num_scales: steps = 1000 } = settings;
  if (settings.sde === "vpsde") {
    if (settings.continuous ?? true) {
      return { preconditioning: "vp", betaMin: lowest, betaSlope: highest - lowest, timesteps: 1000 };
    }
    const schedule = { betaSchedule: "linear", betaStart: lowest / steps, betaEnd: highest / steps };
    return { preconditioning: "discrete", prediction: "epsilon", timesteps: steps, ...schedule };
  }
  const stored = sigmas && (await numbersOf(sigmas, fail));
  const rounded = (level: number) => Number(level.toPrecision(6));
  const range = stored && { sigma_max: rounded(stored[0]!), sigma_min: rounded(stored.at(-1)!) };
  for (const name of ["sigma_max", "sigma_min"] as const) {
    const [said, found] = [settings[name], range?.[name]];
    if (said === undefined && found === undefined)
      fail(`"${name}" is missing, in the weights and in the settings`);
    if (said !== undefined && found !== undefined && Math.abs(said / found - 1) > 1e-4) {
      fail(`"${name}" is ${said} in the settings, but ${found} in the weights`);
    }
  }
  const level = (name: "sigma_max" | "sigma_min") => 2 * (settings[name] ?? range![name]);
  return { preconditioning: "ve", sigmaMin: level("sigma_min"), sigmaMax: level("sigma_max") };
}

/** A row of numbers. */
async function numbersOf({ numbers, offset, shape }: StoredTensor, fail: Fail): Promise<number[]> {
  const bytes = await numbers.read();
  const size = { float32: 4, float64: 8 }[numbers.dtype as string];
  if (shape.length !== 1 || shape[0]! < 2 || size === undefined)
    return fail("sigmas is not a list of noise levels");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: shape[0]! }, (_, index) => {
    const at = (offset + index) * size;
    return size === 4 ? view.getFloat32(at, !numbers.bigEndian) : view.getFloat64(at, !numbers.bigEndian);
  });
}

/**
 * The averaged weights, which the checkpoint keeps as a list in the order of the trained parameters.
 * @returns undefined if there are none
 */
function withAverage(weights: Weights, average: PickleValue | undefined, fail: Fail): Weights | undefined {
  const list = average instanceof Map ? average.get("shadow_params") : undefined;
  if (!Array.isArray(list)) return undefined;
  // Noise levels are not a parameter. The frequencies of Fourier features are one, but not trained.
  const trained = [...weights.keys()].filter((key) => key !== "sigmas" && key !== "all_modules.0.W");
  if (trained.length !== list.length)
    fail(`ema has ${list.length} tensors for the ${trained.length} of the network`);
  const result = new Map(weights);
  for (const [index, key] of trained.entries()) {
    const tensor = list[index];
    const fits = tensor instanceof StoredTensor && tensor.shape.join() === weights.get(key)!.shape.join();
    if (!fits) fail(`ema: tensor ${index} does not have the shape of ${key}`);
    else result.set(key, tensor);
  }
  return result;
}
