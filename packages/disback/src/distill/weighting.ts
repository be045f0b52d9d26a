import type { Tensor } from "@disback/torch";
import { denoisingWeight } from "./denoising-loss.js";

/**
 * The weight of each noise level in the student's gradient `w(sigma) (D_phi - D'_i)`. The names say in which units the
 * difference is measured:
 *
 * | name | w(sigma) | |
 * |---|---|---|
 * | `one` | 1 | difference of the estimates: Diff-Instruct's released code; sigma^2 on the scores |
 * | `edm` | (sigma^2 + sigmaData^2) / (sigma sigmaData)^2 | every level's denoising loss counts about the same (Karras et al. 2022) |
 * | `noise` | 1 / sigma | difference of the noise predictions: VSD (Wang et al. 2023, with omega = 1) |
 * | `score` | 1 / sigma^2 | difference of the scores: the integral KL divergence with weight 1 |
 */
export const weightings = ["one", "edm", "noise", "score"] as const;

export type Weighting = (typeof weightings)[number];

/** The weights of noise levels `[N]`; undefined means 1 everywhere. */
export function weightsOf(weighting: Weighting, sigma: Tensor, sigmaData: number): Tensor | undefined {
  switch (weighting) {
    case "one":
      return undefined;
    case "edm":
      return denoisingWeight(sigma, sigmaData);
    case "noise":
      return sigma.pow(-1);
    case "score":
      return sigma.pow(-2);
  }
}
