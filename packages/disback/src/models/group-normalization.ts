import { GroupNorm, ops, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";

/**
 * Group normalization as the U-Nets of Karras et al. 2022 use it: 32 groups, fewer where a group would have less than
 * 4 channels.
 * @throws DisbackError if the channels cannot be divided so
 */
export function groupNormalization(channels: number, eps: number): GroupNorm {
  const groups = Math.min(32, Math.floor(channels / 4));
  if (groups === 0 || channels % groups !== 0) {
    throw new DisbackError(
      `modelChannels: a layer gets ${channels} channels, which ${groups || "no"} groups cannot share evenly; ` +
        "use a multiple of 4, of 32 where a layer has more than 128 channels",
    );
  }
  return new GroupNorm(groups, channels, { eps });
}

/** silu(norm(x)), the beginning of every branch. Leaves one tensor; in place where no gradient needs the other. */
export function activated(norm: GroupNorm, x: Tensor): Tensor {
  return scope(() => {
    const normalized = norm.forward(x);
    return normalized.requiresGrad ? ops.silu(normalized) : ops.silu_(normalized);
  });
}
