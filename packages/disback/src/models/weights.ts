import { type Generator, noGrad, rand, randn, type Tensor, zeros } from "@disback/torch";

/** Source of initial weights. */
export interface WeightSource {
  /** Uniform in [-1, 1). */
  uniform(shape: number[]): Tensor;
  /** Normal with mean 0 and variance 1. */
  normal(shape: number[]): Tensor;
  /** it gives shapes without memory for values, which are not to be written to */
  shapesOnly?: boolean;
}

/** Weights drawn from a generator, in construction order, so that the same seed gives the original's weights. */
export function randomWeights(generator: Generator): WeightSource {
  return {
    uniform: (shape) => rand(shape, { generator }).mul_(2).sub_(1),
    normal: (shape) => randn(shape, { generator }),
  };
}

/** Zeros, for networks whose weights are loaded next. Draws nothing. */
export const blankWeights: WeightSource = {
  uniform: (shape) => zeros(shape),
  normal: (shape) => zeros(shape),
};

/** Shapes alone, for networks that adopt the tensors of a file: they take no memory. */
export const noWeights: WeightSource = {
  uniform: (shape) => zeros([1]).expand(shape),
  normal: (shape) => zeros([1]).expand(shape),
  shapesOnly: true,
};

/** Glorot and Bengio 2010 ("xavier") or He et al. 2015 ("kaiming", with gain 1), uniform or normal. */
export type WeightDistribution = "xavier-uniform" | "xavier-normal" | "kaiming-uniform" | "kaiming-normal";

/** Initialisation of a layer's weights: a distribution times a scale. */
export interface WeightStart {
  distribution: WeightDistribution;
  /** factor of the weight, default 1 */
  weightScale?: number;
  /** factor of the bias, default 0 */
  biasScale?: number;
}

/** A layer's initial weight and bias; the bias has the distribution of the weight, as in Karras et al. 2022. */
export function initialWeights(
  source: WeightSource,
  start: WeightStart,
  shapes: { weight: number[]; bias?: number[] },
  fanIn: number,
  fanOut: number,
): { weight: Tensor; bias: Tensor | null } {
  const draw = (shape: number[], scale: number) =>
    source.shapesOnly
      ? source.normal(shape)
      : noGrad(() => values(source, start, shape, fanIn, fanOut).mul_(scale));
  const weight = draw(shapes.weight, start.weightScale ?? 1);
  // Drawn even if the scale is 0, so that the generator's stream equals the original's.
  const bias = shapes.bias ? draw(shapes.bias, start.biasScale ?? 0) : null;
  return { weight, bias };
}

/** Those of a convolution, of any number of axes. */
export function convolutionWeights(
  source: WeightSource,
  start: WeightStart,
  [inChannels, outChannels]: readonly [number, number],
  kernel: readonly number[],
): { weight: Tensor; bias: Tensor | null } {
  const volume = kernel.reduce((product, size) => product * size, 1);
  const shapes = { weight: [outChannels, inChannels, ...kernel], bias: [outChannels] };
  return initialWeights(source, start, shapes, inChannels * volume, outChannels * volume);
}

function values(
  source: WeightSource,
  start: WeightStart,
  shape: number[],
  fanIn: number,
  fanOut: number,
): Tensor {
  switch (start.distribution) {
    case "xavier-uniform":
      return source.uniform(shape).mul_(Math.sqrt(6 / (fanIn + fanOut)));
    case "xavier-normal":
      return source.normal(shape).mul_(Math.sqrt(2 / (fanIn + fanOut)));
    case "kaiming-uniform":
      return source.uniform(shape).mul_(Math.sqrt(3 / fanIn));
    case "kaiming-normal":
      return source.normal(shape).mul_(Math.sqrt(1 / fanIn));
  }
}
