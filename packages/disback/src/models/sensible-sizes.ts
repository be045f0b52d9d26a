import { existsSync } from "node:fs";
import { readSafetensorsHeader, TorchError, zeros } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { foreignSafetensors } from "../foreign-file.js";
import { type DenoiserConfig, isOfPipeline, type PipelineNetworkConfig } from "./denoiser-config.js";
import { unet2DAttentionResolutions } from "./unet-2d/config.js";
import type { WeightSource } from "./weights.js";

type Fail = (problem: string) => never;

const largest = {
  imageResolution: 1024,
  attentionResolution: 128,
  timesteps: 100_000,
  taps: 32,
  labelDim: 1_000_000,
};

/** Refuses sizes that take memory or time although the file's weights do not require it. */
export function refuseAbsurdSizes(config: DenoiserConfig, fail: Fail): void {
  if (config.timesteps !== undefined && config.timesteps > largest.timesteps) {
    fail(`timesteps ${config.timesteps} is more than ${largest.timesteps}`);
  }
  if (config.betas !== undefined && config.betas.length > largest.timesteps) {
    fail(`betas: ${config.betas.length} values are more than ${largest.timesteps}`);
  }
  if (config.labelDim > largest.labelDim)
    fail(`labelDim ${config.labelDim} is more than ${largest.labelDim}`);
  if (config.network === "mlp" || config.network === "text-transformer") return;
  if (config.imageResolution > largest.imageResolution) {
    fail(`imageResolution ${config.imageResolution} is more than ${largest.imageResolution}`);
  }
  if (config.network === "dit" || config.network === "video-dit") {
    const side = config.imageResolution / config.patchSize;
    if (side > largest.attentionResolution) {
      fail(
        `attention among ${side} x ${side} patches is more than ${largest.attentionResolution} x ${largest.attentionResolution}`,
      );
    }
    return;
  }
  if (isOfPipeline(config)) return;
  if (config.network === "text-unet") {
    const side = Math.max(0, ...config.attentionResolutions);
    if (side > largest.attentionResolution)
      fail(`attention at height ${side} is more than ${largest.attentionResolution}`);
    return;
  }
  const attention = attentionResolutions(config).find(
    (resolution) => resolution > largest.attentionResolution && resolution <= config.imageResolution,
  );
  if (attention !== undefined)
    fail(`attention at resolution ${attention} is more than ${largest.attentionResolution}`);
  if ("resampleFilter" in config && config.resampleFilter.length > largest.taps) {
    fail(`resampleFilter has ${config.resampleFilter.length} taps, more than ${largest.taps}`);
  }
}

function attentionResolutions(
  config: Exclude<
    DenoiserConfig,
    PipelineNetworkConfig | { network: "mlp" | "dit" | "video-dit" | "text-transformer" | "text-unet" }
  >,
): number[] {
  return config.network === "unet-2d" ? unet2DAttentionResolutions(config) : config.attentionResolutions;
}

/** The number of values in a safetensors file. @throws DisbackError naming the file */
export function numbersIn(path: string): number {
  try {
    const { entries } = readSafetensorsHeader(path);
    return entries.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  } catch (error) {
    if (!(error instanceof TorchError)) throw error;
    const reason = existsSync(path) ? foreignSafetensors(path) : undefined;
    throw new DisbackError(reason ? `${path}: ${reason}` : error.message);
  }
}

/**
 * Zeros for a network that is loaded next, up to the size of the file. So a configuration cannot take more memory than
 * its weights.
 * @param numbers number of values in the file
 */
export function weightsWithin(numbers: number, fail: Fail): WeightSource {
  let left = numbers;
  const draw = (shape: number[]) => {
    left -= shape.reduce((product, size) => product * size, 1);
    if (left < 0) fail(`the network is larger than the ${numbers} numbers in the file`);
    return zeros(shape);
  };
  return { uniform: draw, normal: draw };
}
