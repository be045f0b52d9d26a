import type { Module } from "@disback/torch";

/** A network whose weights keep their norm: EDM2's magnitude-preserving layers (Karras et al. 2024, section 2.3). */
interface Normalized {
  normalizeWeights(): void;
}

/** Brings the weights of all networks in a module back to their norm; after each update, never before it. */
export function normalizeWeights(module: Module): void {
  for (const part of module.modules()) {
    const { normalizeWeights: normalize } = part as Partial<Normalized>;
    normalize?.call(part);
  }
}
