import { z } from "zod";
import type { ConditionShapes } from "../condition.js";

const count = z.int().positive();
const layers = z.int().nonnegative().max(1000);

/** Fields of networks that are told a text. */
const told = {
  /** height and width of the latents */
  imageResolution: count,
  imageChannels: count,
  heads: count,
  channelsPerHead: count,
  /** tokens of a prompt, padding included */
  textLength: count,
  textChannels: count,
};

/** Fields of those that are told it as one vector too. */
const shared = { ...told, pooledChannels: count };

/** Fields of a configuration with the network "sd3", beside those of every denoiser; see `Sd3Options`. */
export const sd3Fields = {
  ...shared,
  patchSize: count,
  layers: layers.min(1),
  placeSide: count,
  placeScale: z.number().positive(),
  dualLayers: z.array(z.int().nonnegative()),
  normalizedAttention: z.boolean(),
};

/** Fields of a configuration with the network "flux", beside those of every denoiser; see `FluxOptions`. */
export const fluxFields = {
  ...shared,
  jointLayers: layers,
  singleLayers: layers,
  guidance: z.boolean(),
  axisChannels: z.array(count.multipleOf(2)).length(3),
};

/** Fields of a configuration with the network "wan", beside those of every denoiser; see `WanOptions`. */
export const wanFields = {
  ...told,
  /** width of the latents where it differs from imageResolution, their height */
  imageWidth: count.optional(),
  /** of a clip's latents */
  frames: count.max(1024),
  patch: z.tuple([count, count, count]),
  layers: layers.min(1),
  channelsPerHead: count.multipleOf(2).min(6),
  timeChannels: count.multipleOf(2),
  feedForwardChannels: count,
  normalizedText: z.boolean(),
  normalizationEps: z.number().positive(),
};

type Fail = (field: string, message: string) => void;
interface Checked {
  preconditioning: string;
  labelDim: number;
  imageResolution: number;
  heads: number;
  channelsPerHead: number;
}

/** Checks fields of "sd3" against each other. @param fail called with a field and what is wrong with it */
export function checkSd3(
  config: Checked & { patchSize: number; layers: number; dualLayers: readonly number[]; placeSide: number },
  fail: Fail,
): void {
  checkShared(config, config.patchSize, fail);
  if (config.imageResolution / config.patchSize > config.placeSide)
    fail("imageResolution", `has more patches in a row than placeSide (${config.placeSide})`);
  if ((config.heads * config.channelsPerHead) % 4 !== 0)
    fail("channelsPerHead", "heads times channelsPerHead must be a multiple of 4");
  const beyond = config.dualLayers.find((layer) => layer >= config.layers);
  if (beyond !== undefined) fail("dualLayers", `there is no layer ${beyond}`);
}

/** Checks fields of "flux" against each other, as `checkSd3`. */
export function checkFlux(config: Checked & { axisChannels: readonly number[] }, fail: Fail): void {
  checkShared(config, 2, fail);
  const turned = config.axisChannels.reduce((sum, channels) => sum + channels, 0);
  if (turned !== config.channelsPerHead)
    fail("axisChannels", `${turned} channels in all must be channelsPerHead (${config.channelsPerHead})`);
}

/** Checks fields of "wan" against each other, as `checkSd3`. */
export function checkWan(
  config: Checked & {
    imageWidth?: number | undefined;
    frames: number;
    patch: readonly [frames: number, rows: number, columns: number];
  },
  fail: Fail,
): void {
  const [frames, rows, columns] = config.patch;
  checkShared(config, rows, fail);
  if ((config.imageWidth ?? config.imageResolution) % columns !== 0)
    fail("imageWidth", `must be a multiple of ${columns}, the width of a patch`);
  if (config.frames % frames !== 0) fail("frames", `must be a multiple of ${frames}, the frames of a patch`);
}

function checkShared(config: Checked, patchSize: number, fail: Fail): void {
  if (config.preconditioning !== "flow-matching")
    fail("preconditioning", 'must be "flow-matching": this network is told a time from 0 to 1');
  if (config.imageResolution % patchSize !== 0)
    fail("imageResolution", `must be a multiple of ${patchSize}, the side of a patch`);
  if (config.labelDim > 0) fail("labelDim", "must be 0: this network is told a text, not a class");
}

/** Shapes of what the network is told. */
export function toldToTransformer(config: {
  textLength: number;
  textChannels: number;
  pooledChannels?: number;
  guidance?: boolean;
}): ConditionShapes {
  const { textLength, textChannels, pooledChannels, guidance = false } = config;
  return {
    text: [textLength, textChannels],
    ...(pooledChannels === undefined ? {} : { pooled: [pooledChannels] }),
    ...(guidance ? { guidance: [] } : {}),
  };
}
