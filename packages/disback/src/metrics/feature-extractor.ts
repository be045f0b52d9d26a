import type { Tensor } from "@disback/torch";

/**
 * Maps samples to the feature space in which real and generated samples are compared.
 * Figures are comparable only within one extractor: print its `name` beside every number.
 */
export interface FeatureExtractor {
  /** Display name, for example `fashion-mnist-16-classifier`. */
  readonly name: string;
  /** Number of features F. */
  readonly featureDim: number;
  /** SHA-256 (hex) of everything that determines the features; the key of cached reference statistics. */
  readonly contentHash: string;
  /** Features are kept in float32, not float16, where statistics are stored: samples' own values need it. */
  readonly exact?: boolean;
  /**
   * @param samples `[N, ...]`; images `[N, C, H, W]` in [-1, 1]
   * @returns features `[N, F]`, float32
   */
  features(samples: Tensor): Tensor;
  /**
   * Class probabilities, for the Inception Score; absent if the extractor has no classes.
   * @returns `[N, K]`, rows sum to 1
   */
  probabilities?(samples: Tensor): Tensor;
}
