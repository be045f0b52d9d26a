import type { ActivationName } from "../unet-2d/activation.js";

/** Options of `AutoencoderTiny` of diffusers, under names of ours. */
export interface TinyAutoencoderOptions {
  imageChannels: number;
  latentChannels: number;
  /** of every layer of the encoder */
  encoderChannels: number;
  decoderChannels: number;
  /** blocks of each resolution, highest first; it halves from one to the next */
  encoderBlocks: readonly number[];
  /** blocks of each resolution, lowest first */
  decoderBlocks: readonly number[];
  /** by how much the decoder enlarges from one resolution to the next */
  enlargement: number;
  activation: ActivationName;
  /** a diffusion model's latents are `(z - shiftFactor) * scalingFactor` */
  scalingFactor: number;
  shiftFactor: number;
}
