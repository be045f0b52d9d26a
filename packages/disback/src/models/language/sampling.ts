import { ops, type Tensor, where, zerosLike } from "@disback/torch";

/** How the next token is drawn. */
export interface Sampling {
  /** divides the logits; 0 takes the likeliest token */
  temperature: number;
  /** draws from the likeliest tokens that together have at least this probability (Holtzman et al. 2020), in (0, 1] */
  topP: number;
}

/** The distribution as it is. */
export const asItIs: Sampling = { temperature: 1, topP: 1 };

/**
 * Draws tokens by inverting the distribution function, so that equal numbers give equal tokens.
 * @param logits `[N, V]` @param uniform numbers in [0, 1), `[N]` @returns int64 `[N]`
 */
export function drawTokens(logits: Tensor, uniform: Tensor, { temperature, topP }: Sampling): Tensor {
  if (temperature === 0) return logits.argmax(-1);
  const all = logits.float().div(temperature).softmax(-1);
  const probabilities = topP < 1 ? nucleus(all, topP) : all;
  const upTo = probabilities.cumsum(-1);
  const total = upTo.narrow(-1, upTo.shape[1]! - 1, 1);
  const place = ops.searchsorted(upTo, total.mul(uniform.unsqueeze(1)), false, true);
  return place.squeeze(1).clamp(0, upTo.shape[1]! - 1);
}

/** Probabilities outside the nucleus become 0; the others are not scaled. */
function nucleus(probabilities: Tensor, topP: number): Tensor {
  const [sorted, order] = probabilities.sort(-1, true);
  const before = sorted.cumsum(-1).sub(sorted);
  const kept = where(before.lt(topP), sorted, 0);
  return ops.scatter(zerosLike(probabilities), -1, order, kept);
}
