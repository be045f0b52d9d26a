import { TorchError } from "../errors.js";

/** The progress of training since the last update of the average. */
export interface Progress {
  /** images in this update, > 0 */
  batchSize: number;
  /** images since the start of training, this update's included */
  images: number;
}

/** The factor beta of average <- beta * average + (1 - beta) * weights. */
export type Decay = (progress: Progress) => number;

/** The same beta in [0, 1] at every update. */
export function constantDecay(beta: number): Decay {
  return () => beta;
}

/**
 * EDM's rule: the weight of the past halves every `halfLife` images, beta = 0.5 ^ (batchSize / halfLife).
 * @param rampUp if given, early half-lives are at most `rampUp` times the images before this update (EDM uses 0.05):
 *   a young average forgets its cold start
 */
export function halfLifeDecay(halfLife: number, rampUp?: number): Decay {
  return ({ batchSize, images }) => {
    const limit = rampUp === undefined ? halfLife : Math.min(halfLife, (images - batchSize) * rampUp);
    return 0.5 ** (batchSize / Math.max(limit, 1e-8));
  };
}

/**
 * Power-function average (Karras et al. 2024, eq. 127): beta = (1 - batchSize / images) ^ (gamma + 1).
 * Its profile keeps its shape as training goes on.
 */
export function powerDecay(gamma: number): Decay {
  return ({ batchSize, images }) => (1 - batchSize / images) ** (gamma + 1);
}

/**
 * gamma of the power-function average whose profile has a given standard deviation relative to the training's length
 * (Karras et al. 2024, eq. 126): width^2 = (gamma + 1) / ((gamma + 2)^2 (gamma + 3)).
 * @param width in (0, 0.288], for example 0.05 -> 16.97, 0.1 -> 6.94
 * @throws TorchError outside this range
 */
export function gammaFromWidth(width: number): number {
  if (!(width > 0 && width <= widthFromGamma(0))) {
    throw new TorchError(`EMA: width must be in (0, ${widthFromGamma(0).toFixed(3)}], not ${width}`);
  }
  // The width falls as gamma grows, and is below 1 / gamma: bisection is sure to end.
  let [low, high] = [0, 1 / width];
  for (let round = 0; round < 200; round++) {
    const middle = (low + high) / 2;
    if (widthFromGamma(middle) > width) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Standard deviation of the power-function average's profile relative to the training's length. */
export function widthFromGamma(gamma: number): number {
  return Math.sqrt((gamma + 1) / ((gamma + 2) ** 2 * (gamma + 3)));
}
