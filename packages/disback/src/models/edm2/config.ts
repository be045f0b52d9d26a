import { z } from "zod";
import { levels } from "../levels.js";
import type { Edm2Options } from "./options.js";

const count = z.int().positive();
const balance = z.number().min(0).max(1);

/** Fields of a configuration with the network "edm2", beside those of every denoiser; see `Edm2Options`. */
export const edm2Fields = {
  imageResolution: count,
  imageChannels: count,
  modelChannels: count.default(192),
  channelMultipliers: z.array(count).min(1).default([1, 2, 3, 4]),
  noiseMultiplier: count.optional(),
  embeddingMultiplier: count.optional(),
  blocksPerResolution: count.default(3),
  attentionResolutions: z.array(count).default([16, 8]),
  channelsPerHead: count.default(64),
  resampleFilter: z
    .array(z.number())
    .min(2)
    .refine((taps) => taps.length % 2 === 0, "an even number of taps is needed")
    .default([1, 1]),
  dropout: z.number().min(0).lt(1).default(0),
  labelBalance: balance.default(0.5),
  concatBalance: balance.default(0.5),
  residualBalance: balance.default(0.3),
  attentionBalance: balance.default(0.3),
  clipActivations: z.number().positive().nullable().default(256),
};

/** Checks that the heads divide each level's channels. @param fail called with a field and what is wrong with it */
export function checkEdm2Heads(
  config: Pick<
    Edm2Options,
    "imageResolution" | "modelChannels" | "channelMultipliers" | "attentionResolutions" | "channelsPerHead"
  >,
  fail: (field: string, message: string) => void,
): void {
  const all = levels(config);
  const uneven = all.find(({ resolution, channels }, level) => {
    const attends = config.attentionResolutions.includes(resolution) || level === all.length - 1;
    const heads = Math.floor(channels / config.channelsPerHead);
    return attends && heads > 0 && channels % heads !== 0;
  });
  if (uneven)
    fail("channelsPerHead", `${uneven.channels} channels of a level cannot be divided among its heads`);
}
