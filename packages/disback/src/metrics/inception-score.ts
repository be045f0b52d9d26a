import { inferenceMode, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { type Estimate, estimate } from "./estimate.js";

/**
 * Inception Score (Salimans et al. 2016): `exp(E_x KL(p(y|x) || p(y)))`, from 1 to the number of classes K.
 * The samples are split in order into `splits` parts of nearly equal size; mean and spread over the parts are returned.
 * @param probabilities `[N, K]`, rows sum to 1
 * @param splits number of parts, 10 as published
 */
export function inceptionScore(probabilities: Tensor, splits = 10): Estimate {
  const count = probabilities.shape[0]!;
  if (count < splits)
    throw new DisbackError(`Inception Score in ${splits} splits needs that many samples, got ${count}`);
  const scores: number[] = [];
  for (let split = 0, start = 0; split < splits; split++) {
    const size = Math.floor(count / splits) + (split < count % splits ? 1 : 0);
    const from = start;
    scores.push(inferenceMode(() => scope(() => score(probabilities.narrow(0, from, size).double()))));
    start += size;
  }
  return estimate(scores);
}

/** Far below any float32 probability, but far above the smallest float64. */
const smallest = 1e-300;

function score(part: Tensor): number {
  // 0 log 0 = 0: the floor keeps the logarithm finite, and multiplying by 0 gives exactly 0.
  const logRatio = part.clamp(smallest).log().sub(part.mean(0, true).clamp(smallest).log());
  return Math.exp(part.mul(logRatio).sum(1).mean().item());
}
