import { BatchNorm2d, Module, noGrad, ops, parameter, type Tensor } from "@disback/torch";
import type { ModelFacts } from "../facts.js";
import type { WeightSource } from "../weights.js";
import { inputSizeOf, LatentGenerator, MOMENTUM } from "./latent-generator.js";

/** Sizes of a convolutional generator. */
export interface ConvolutionalGeneratorOptions {
  facts: ModelFacts;
  latentSize: number;
  /** channels at half the resolution (DCGAN) or at 64 and 32 pixels (FastGAN); more at lower ones */
  modelChannels: number;
  /** "tanh" for pictures in [-1, 1], "linear" for other samples, such as latents */
  output: "tanh" | "linear";
}

/** Standard deviation of a DCGAN's first weights (Radford et al. 2016, section 3). */
const START = 0.02;

/**
 * DCGAN's generator (Radford et al. 2016): transposed convolutions that double the resolution from 4x4, with batch
 * normalization and ReLU between them. Its layers and keys are those of PyTorch's tutorial, at 64x64 exactly: `main.0` to
 * `main.12`. Other resolutions have fewer or more of the same steps, with at most eight times `modelChannels`.
 */
export class Dcgan extends LatentGenerator {
  readonly main: Record<number, Module>;
  private readonly steps: number;
  private readonly output: "tanh" | "linear";

  constructor(
    source: WeightSource,
    { facts, latentSize, modelChannels, output }: ConvolutionalGeneratorOptions,
  ) {
    super(facts, latentSize);
    this.output = output;
    const [imageChannels, resolution] = facts.sampleShape as [number, number];
    this.steps = Math.log2(resolution / 4);
    const channels = Array.from(
      { length: this.steps },
      (_, step) => modelChannels * Math.min(8, 2 ** (this.steps - 1 - step)),
    );
    const sizes = [inputSizeOf(facts, latentSize), ...channels, imageChannels];
    this.main = {};
    for (const [step, width] of sizes.slice(1).entries()) {
      const way = step === 0 ? { stride: 1, padding: 0 } : { stride: 2, padding: 1 };
      this.main[3 * step] = new TransposedConvolution(source, sizes[step]!, width, way);
      if (step < this.steps) this.main[3 * step + 1] = normalization(source, width);
    }
  }

  protected forward(vector: Tensor): Tensor {
    let hidden = vector.unsqueeze(2).unsqueeze(3);
    for (let step = 0; step <= this.steps; step++) {
      hidden = (this.main[3 * step] as TransposedConvolution).forward(hidden);
      if (step < this.steps) hidden = ops.relu((this.main[3 * step + 1] as BatchNorm2d).forward(hidden));
    }
    return this.output === "tanh" ? hidden.tanh() : hidden;
  }
}

/** A transposed convolution of 4x4 without a bias. */
export class TransposedConvolution extends Module {
  readonly weight: Tensor;

  constructor(
    source: WeightSource,
    inChannels: number,
    outChannels: number,
    private readonly way: { stride: number; padding: number },
  ) {
    super();
    this.weight = parameter(scaled(source, [inChannels, outChannels, 4, 4], START));
  }

  forward(x: Tensor): Tensor {
    const { stride, padding } = this.way;
    return ops.conv_transpose2d(x, this.weight, null, [stride, stride], [padding, padding]);
  }
}

/** Batch normalization whose weight starts near 1. */
export function normalization(source: WeightSource, channels: number): BatchNorm2d {
  const norm = new BatchNorm2d(channels, { momentum: MOMENTUM });
  const drawn = scaled(source, [channels], START);
  noGrad(() => norm.weight!.add_(drawn));
  drawn.dispose();
  return norm;
}

/** Normal weights of a standard deviation. */
function scaled(source: WeightSource, shape: number[], deviation: number): Tensor {
  return noGrad(() => source.normal(shape).mul_(deviation));
}
