import { keep, type Tensor } from "@disback/torch";
import type { Denoiser } from "../models/denoiser.js";
import type { PathDistance } from "./path-distance.js";

/**
 * Owns the outlines of a recording, each as large as the probes: whoever looks at one may hold on to it, and what
 * nobody holds is released. Inside one recording no collector runs.
 */
export class Outlines {
  private readonly owned = new Set<Tensor>();

  constructor(private readonly distance: PathDistance) {}

  /** The denoiser's estimates on the probes, see `PathDistance.outline`. */
  measure(denoiser: Denoiser): Tensor {
    const outline = this.distance.outline(denoiser);
    this.owned.add(outline);
    return outline;
  }

  /** A copy of a saved outline, owned here. */
  copy(saved: Tensor): Tensor {
    const outline = keep(saved.clone());
    this.owned.add(outline);
    return outline;
  }

  /** Releases all but those that are still held. */
  retain(held: readonly Tensor[]): void {
    for (const outline of this.owned) {
      if (held.includes(outline)) continue;
      outline.dispose();
      this.owned.delete(outline);
    }
  }
}
