import { type DType, type Generator, Module, rand, type Tensor } from "@disback/torch";

/** The raw network F inside a denoiser (Karras et al. 2022, eq. 7). */
export abstract class Network extends Module {
  /** dtype of its weights and of its input */
  abstract readonly dtype: DType;

  /**
   * @param x scaled noisy samples `[N, ...]`
   * @param noise embedded noise level c_noise, `[N]` or `[1]`
   * @param labels condition `[N, labelDim]` or `[1, labelDim]`, required if the network is conditional
   * @param augmentation augmentation labels `[N, augmentDim]`; none means the plain, unaugmented distribution
   */
  abstract forward(x: Tensor, noise: Tensor, labels?: Tensor, augmentation?: Tensor): Tensor;

  /**
   * The network's features at the bottleneck, for a discriminator; parameters as in `forward`.
   * @returns `[N, channels, h, w]`, or `[N, channels]` for points
   */
  abstract features(x: Tensor, noise: Tensor, labels?: Tensor): Tensor;

  /**
   * The network's features at several depths, for a discriminator that looks at all of them; parameters as in `forward`.
   * By default those of `features` alone.
   * @returns each as `features` returns them
   */
  layerFeatures(x: Tensor, noise: Tensor, labels?: Tensor): Tensor[] {
    return [this.features(x, noise, labels)];
  }

  /**
   * The state of the equivalent unconditional network, with "no class" built in. This default is for networks whose
   * labels enter by `map_label` without a bias: there, no class adds nothing.
   */
  stateWithoutLabels(): Map<string, Tensor> {
    return new Map([...this.stateDict()].filter(([key]) => !key.startsWith("map_label.")));
  }
}

/**
 * Replaces whole rows of labels by zeros ("no class") with a probability, for classifier-free guidance
 * (Ho and Salimans 2022, algorithm 1).
 * @param labels `[N, K]` or `[1, K]`
 * @param probability probability that a row becomes zeros, in [0, 1]
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

/** Of the features after every part of an encoder, `[N, C, h, w]`, the last of each resolution. */
export function endsOfLevels(outputs: readonly Tensor[]): Tensor[] {
  return outputs.filter(({ shape }, index) => {
    const next = outputs[index + 1]?.shape;
    return next?.[2] !== shape[2] || next?.[3] !== shape[3];
  });
}

/** The tensor in the given dtype; the same tensor if it already is. */
export function inDtype(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : x.to(dtype);
}
