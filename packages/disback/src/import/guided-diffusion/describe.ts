import { type DenoiserConfig, parseDenoiserConfig } from "../../models/denoiser-config.js";
import type { StoredWeight } from "../checkpoint/assembled-tensor.js";
import { type AdmFlags, parseAdmFlags } from "./flags.js";
import { type AdmStructure, admStructure, isClassifier, type Weights } from "./structure.js";
import { admWeights } from "./weights.js";

type Fail = (problem: string) => never;

/** A U-Net of openai/guided-diffusion (Dhariwal and Nichol 2021) as our denoiser. */
export interface DescribedAdm {
  config: DenoiserConfig;
  tensors: ReadonlyMap<string, StoredWeight>;
  /** notes on unused parts of the original and on assumptions */
  notes: string[];
}

/**
 * Describes a checkpoint of guided-diffusion: its structure comes from the weights, the rest from its flags. @param
 * given the flags and their file @param fail called with what is missing or not supported
 * @throws DisbackError naming the flags' file
 */
export function describeAdm(
  weights: Weights,
  given: { value: unknown; place: string } | undefined,
  fail: Fail,
): DescribedAdm {
  if (isClassifier(weights)) return fail("guided-diffusion (ADM): a classifier, not a diffusion model");
  if (given === undefined) {
    return fail(
      "weights of openai/guided-diffusion (ADM), which are not enough: give its training flags by " +
        "--config FILE: image_size, noise_schedule, num_head_channels or num_heads, use_new_attention_order",
    );
  }
  const structure = admStructure(weights, fail);
  const { inChannels, outChannels } = structure;
  // Its super-resolution models also take 3 channels of a small image. With a learned variance, input and output
  // channels look equal.
  if (inChannels === 6 || (outChannels !== inChannels && outChannels !== 2 * inChannels)) {
    fail(
      `guided-diffusion (ADM): ${outChannels} channels out of ${inChannels}: a super-resolution model, which is not supported`,
    );
  }
  const flags = parseAdmFlags(given.value, structure, given.place);
  const learnedVariance = outChannels === 2 * inChannels;
  return {
    config: parseDenoiserConfig(configOf(structure, flags, learnedVariance), given.place),
    tensors: admWeights(weights, structure, layoutOf(flags), fail),
    notes: [
      ...(learnedVariance ? ["the channels of learn_sigma, which estimate a variance, are not used"] : []),
      ...(flags.assumed.length > 0
        ? [`guided-diffusion's defaults are used: ${flags.assumed.join(", ")}`]
        : []),
    ],
  };
}

/** Its U-Net equals UNet2DModel of diffusers, with other keys. */
function configOf(structure: AdmStructure, flags: AdmFlags, learnedVariance: boolean) {
  const { levels, resampling, modelChannels } = structure;
  const down = { resnet: "ResnetDownsampleBlock2D", conv: "DownBlock2D" } as const;
  const up = { resnet: "ResnetUpsampleBlock2D", conv: "UpBlock2D" } as const;
  const perHead = flags.num_head_channels;
  return {
    network: "unet-2d",
    preconditioning: "discrete",
    prediction: flags.predict_xstart ? "sample" : "epsilon",
    ...scheduleOf(flags),
    learnedVariance,
    ...(flags.clip_denoised ? { clipSample: 1 } : {}),
    labelDim: structure.classes,
    imageResolution: flags.image_size,
    imageChannels: structure.inChannels,
    ...(modelChannels === levels[0]!.channels ? {} : { stepChannels: modelChannels }),
    embeddingChannels: structure.embeddingChannels,
    downBlocks: levels.map(({ attention }) => (attention ? "AttnDownBlock2D" : down[resampling])),
    upBlocks: [...levels].reverse().map(({ attention }) => (attention ? "AttnUpBlock2D" : up[resampling])),
    blockChannels: levels.map(({ channels }) => channels),
    layersPerBlock: structure.blocksPerLevel,
    downsampling: resampling,
    upsampling: resampling,
    dropout: flags.dropout,
    ...(perHead === -1 ? { heads: flags.num_heads } : { headChannels: perHead }),
    normalizationGroups: 32,
    middleAttentionGroups: 32,
    scaleShift: structure.scaleShift,
  };
}

/** `get_named_beta_schedule`: the linear one scales with the number of steps to keep its total noise. */
function scheduleOf({ noise_schedule: rule, diffusion_steps: timesteps }: AdmFlags) {
  if (rule === "cosine") return { betaSchedule: "cosine", timesteps };
  const scale = 1000 / timesteps;
  return { betaSchedule: "linear", timesteps, betaStart: scale * 1e-4, betaEnd: scale * 0.02 };
}

function layoutOf({ num_heads, num_head_channels, use_new_attention_order }: AdmFlags) {
  const headsOf = (channels: number) => (num_head_channels === -1 ? num_heads : channels / num_head_channels);
  return { headsOf, threeFirst: use_new_attention_order };
}
