import { Block } from "./block.js";
import type { DenoiserModule } from "./denoiser.js";

/** How a network is computed. Affects speed, memory and rounding. */
export interface Computation {
  /** precision of the network's passes: `bf16` is mixed precision; weights, losses and optimizers are always f32 */
  precision: "f32" | "bf16";
  /** memory layout of image networks */
  memoryFormat: "contiguous" | "channels-last";
  /** recompute the activations of blocks in the backward pass instead of keeping them */
  activationCheckpointing: boolean;
}

/**
 * Applies this to a denoiser and its clones. Call it before making an optimizer, because its moments take the weights'
 * layout.
 * @returns the denoiser
 */
export function computing<T extends DenoiserModule>(denoiser: T, how: Computation): T {
  denoiser.precision = how.precision;
  inLayout(denoiser, how.memoryFormat);
  for (const block of blocksOf(denoiser)) block.recomputes = how.activationCheckpointing;
  return denoiser;
}

/** Puts a denoiser's weights into a memory layout, which its passes then keep. */
export function inLayout(denoiser: DenoiserModule, layout: Computation["memoryFormat"]): void {
  denoiser.to({ memoryFormat: layout === "channels-last" ? "channels_last" : "contiguous" });
}

/** The blocks of a network that can recompute their activations. */
export function blocksOf(denoiser: DenoiserModule): Block[] {
  return denoiser.modules().filter((module) => module instanceof Block);
}
