import { type DType, type Generator, Module, rand, type Tensor } from "@disback/torch";

/** The raw network F inside a denoiser (Karras et al. 2022, eq. 7). */
export abstract class Network extends Module {
  /** dtype of its weights, which its input must have */
  abstract readonly dtype: DType;

  /**
   * @param x scaled noisy samples `[N, ...]`
   * @param noise embedded noise level c_noise, `[N]` or `[1]`
   * @param labels condition `[N, labelDim]` or `[1, labelDim]`, required if the network is conditional
   * @param augmentation augmentation labels `[N, augmentDim]`; none means the plain, unaugmented distribution
   */
  abstract forward(x: Tensor, noise: Tensor, labels?: Tensor, augmentation?: Tensor): Tensor;

  /**
   * What the network sees in its input at its narrowest place, for a discriminator; parameters as of `forward`.
   * @returns `[N, channels, h, w]`, or `[N, channels]` for points
   */
  abstract features(x: Tensor, noise: Tensor, labels?: Tensor): Tensor;

  /**
   * Its state as the unconditional network of the same sizes has it, with "no class" built in. Here for networks whose
   * labels enter by `map_label` without a bias: no class adds nothing.
   */
  stateWithoutLabels(): Map<string, Tensor> {
    return new Map([...this.stateDict()].filter(([key]) => !key.startsWith("map_label.")));
  }
}

/**
 * Replaces whole rows of labels by zeros ("no class") with a probability, for classifier-free guidance
 * (Ho and Salimans 2022, algorithm 1).
 * @param labels `[N, K]` or `[1, K]`
 * @param probability of each row to become zeros, in [0, 1]
 * @param batch N
 * @param generator draws N numbers on the labels' device; default the device's default generator, as for dropout
 */
export function dropLabels(
  labels: Tensor,
  probability: number,
  batch: number,
  generator?: Generator,
): Tensor {
  const drawn = rand([batch, 1], { device: labels.device, ...(generator ? { generator } : {}) });
  const kept = drawn.ge(probability);
  return labels.mul(kept.to(labels.dtype));
}

/** The tensor in the given dtype; itself if it is already. */
export function inDtype(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : x.to(dtype);
}
