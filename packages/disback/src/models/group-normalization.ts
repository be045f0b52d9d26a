import { GroupNorm, recomputed, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";

/**
 * Group normalization as the U-Nets of Karras et al. 2022 use it: 32 groups, or fewer so that a group has at least 4
 * channels. @throws DisbackError if the groups do not divide the channels
 */
export function groupNormalization(channels: number, eps: number): GroupNorm {
  const groups = Math.min(32, Math.floor(channels / 4));
  if (groups === 0 || channels % groups !== 0) {
    throw new DisbackError(
      `modelChannels: a layer has ${channels} channels, which ${groups || "no"} groups do not divide; ` +
        "use a multiple of 4, or of 32 if a layer has more than 128 channels",
    );
  }
  return new GroupNorm(groups, channels, { eps });
}

/** silu(norm(x)), the start of every branch. */
export function activated(norm: GroupNorm, x: Tensor): Tensor {
  return recomputed((input) => scope(() => norm.forwardSilu(input)), x);
}
