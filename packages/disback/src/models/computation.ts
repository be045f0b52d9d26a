import { Block } from "./block.js";
import type { DenoiserModule } from "./denoiser.js";

/** How a network is computed, not what: speed and memory, and the last digits of the result. */
export interface Computation {
  /** of the network's passes: `bf16` is mixed precision; weights, losses and optimizers are f32 either way */
  precision: "f32" | "bf16";
  /** layout of weights and activations of networks for images */
  memoryFormat: "contiguous" | "channels-last";
  /** activations of blocks are computed again for the backward pass instead of being kept */
  activationCheckpointing: boolean;
}

/**
 * Lets a denoiser compute so, and its clones. Before an optimizer is made: its moments take the weights' layout.
 * @returns the denoiser
 */
export function computing<T extends DenoiserModule>(denoiser: T, how: Computation): T {
  denoiser.precision = how.precision;
  denoiser.to({ memoryFormat: how.memoryFormat === "channels-last" ? "channels_last" : "contiguous" });
  for (const block of blocksOf(denoiser)) block.recomputes = how.activationCheckpointing;
  return denoiser;
}

/** The blocks of a network that can compute their activations again. */
export function blocksOf(denoiser: DenoiserModule): Block[] {
  return denoiser.modules().filter((module) => module instanceof Block);
}
