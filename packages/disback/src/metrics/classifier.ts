import {
  Conv2d,
  type Generator,
  GroupNorm,
  Linear,
  Module,
  Sequential,
  SiLU,
  type Tensor,
} from "@disback/torch";

/** Shape of a {@link Classifier}. */
export interface ClassifierShape {
  /** Height and width of the images. */
  resolution: number;
  /** 1 (grey) or 3 (colour). */
  channels: number;
  /** Frames of a clip, which are channels to the first convolution; absent for images. */
  frames?: number | undefined;
  /** Number of classes K. */
  classes: number;
  /** Width of the penultimate layer F: the features. */
  features: number;
}

const reductionOf = (resolution: number): number => Math.max(1, Math.floor(resolution / 16));

/** Side of the first convolution's kernel: it overlaps with its neighbours by a pixel on each side. */
export const firstKernel = (resolution: number): number => reductionOf(resolution) + 2;

/** Channels of the first convolution. */
export function inputChannels({ channels, frames = 1 }: ClassifierShape): number {
  return channels * frames;
}

/**
 * A small convolutional classifier (0.41 M parameters) whose penultimate layer serves as feature space. The first
 * convolution brings any resolution to about 16x16, so that larger images cost little more; four of 3x3 follow, halving
 * the resolution twice, each with group normalisation and SiLU; then two linear layers. The first of these sees
 * positions (4x4), so that the features distinguish a displaced sleeve from a straight one.
 */
export class Classifier extends Module {
  readonly convolutions: Sequential;
  readonly projection: Linear;
  readonly head: Linear;

  constructor(shape: ClassifierShape, options: { generator?: Generator } = {}) {
    super();
    const block = (input: number, output: number, stride: number, kernel = 3) => [
      new Conv2d(input, output, kernel, { stride, padding: 1, bias: false, ...options }),
      new GroupNorm(8, output),
      new SiLU(),
    ];
    const reduction = reductionOf(shape.resolution);
    this.convolutions = new Sequential(
      ...block(inputChannels(shape), 32, reduction, firstKernel(shape.resolution)),
      ...block(32, 64, 2),
      ...block(64, 64, 1),
      ...block(64, 128, 2),
      ...block(128, 128, 1),
    );
    const side = Math.ceil(Math.floor(shape.resolution / reduction) / 4);
    this.projection = new Linear(128 * side * side, shape.features, options);
    this.head = new Linear(shape.features, shape.classes, options);
  }

  /** @param samples `[N, C, H, W]` or `[N, C, T, H, W]` in [-1, 1]; @returns features `[N, F]` */
  features(samples: Tensor): Tensor {
    // With black as 0, what moves before it is all that the convolutions see of a clip.
    const images = samples.ndim === 5 ? samples.flatten(1, 2).add(1) : samples;
    return this.projection.forward(this.convolutions.forward(images).flatten(1)).silu();
  }

  /** @param samples as of `features`; @returns logits `[N, K]` */
  forward(samples: Tensor): Tensor {
    return this.head.forward(this.features(samples));
  }
}
