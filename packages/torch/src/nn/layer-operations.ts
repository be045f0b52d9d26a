import { currentAutocast } from "../autocast.js";
import { noGrad } from "../autograd.js";
import { type NativeFunction, native } from "../binding.js";
import { zeros } from "../creation.js";
import { resolve, wrap } from "../door.js";
import { ops } from "../ops.js";
import { keep, scope } from "../scope.js";
import type { Tensor } from "../tensor.js";
import { recipeOf, sparing, withBackward } from "./sparing.js";
import { isStreamed, weightToUse } from "./streamed.js";

/** What a two-dimensional convolution does besides its weights. */
export interface ConvolutionSettings {
  stride: readonly number[];
  padding: readonly number[];
  /** default [1, 1] */
  dilation?: readonly number[];
  /** default 1 */
  groups?: number;
}

/**
 * A convolution as layers compute it in `forward`: fetches a streamed weight, and keeps no more for the backward pass than
 * it must. libtorch keeps the input for a frozen weight too, which needs it for nothing.
 * @param input `[N, in, H, W]` @param weight `[out, in / groups, h, w]` @param bias `[out]`
 * @returns `[N, out, H', W']`
 */
export function layerConvolution(
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  { stride, padding, dilation = [1, 1], groups = 1 }: ConvolutionSettings,
): Tensor {
  const { shape, requiresGrad } = input;
  return sparingly(input, weight, bias, {
    run: (used) =>
      isPointwise(used, stride, padding, groups)
        ? pointwise(input, used, bias)
        : ops.conv2d(input, used, bias, stride, padding, dilation, groups),
    gradients: (incoming, used, again) => {
      // Only the shape of an input is needed for the gradient of that input.
      const known = again ?? zeros([1], used).expand(shape);
      const wanted = [requiresGrad, again !== undefined, false];
      return ops
        .convolution_backward(
          ...([incoming, known, used, null, stride, padding, dilation] as const),
          ...([false, [0, 0], groups, wanted] as const),
        )
        .map((gradient, index) => (wanted[index] ? gradient : undefined));
    },
  });
}

/** Whether it is a 1x1 convolution in the precision of its weights. */
const isPointwise = (
  { shape }: Tensor,
  stride: readonly number[],
  padding: readonly number[],
  groups: number,
): boolean =>
  groups === 1 &&
  !currentAutocast() &&
  [shape[2], shape[3], ...stride].every((size) => size === 1) &&
  padding.every((size) => size === 0);

let pointwiseConvolution: NativeFunction | undefined;

/** A 1x1 convolution by an operator of our own, which is a product of matrices where that is faster. */
function pointwise(input: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  pointwiseConvolution ??= resolve("disback::pointwise_convolution", "");
  return wrap(pointwiseConvolution(input.handle, weight.handle, bias?.handle));
}

/**
 * A linear layer as layers compute it in `forward`, see `layerConvolution`.
 * @param input `[..., in]` @param weight `[out, in]` @param bias `[out]`
 * @returns `[..., out]`
 */
export function layerProduct(input: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  const { requiresGrad } = input;
  const rows = (x: Tensor) => x.reshape([-1, x.shape.at(-1)!]);
  return sparingly(input, weight, bias, {
    run: (used) => ops.linear(input, used, bias),
    gradients: (incoming, used, again) => [
      requiresGrad ? incoming.matmul(used) : undefined,
      again && rows(incoming).t().matmul(rows(again)),
    ],
  });
}

/** One kind of layer. */
interface LayerOperation {
  run(weight: Tensor): Tensor;
  /** @param again the input, if the weight is trained @returns of the input and of the weight */
  gradients(incoming: Tensor, weight: Tensor, again: Tensor | undefined): (Tensor | undefined)[];
}

/** Runs a layer with a graph that keeps neither a fetched weight nor an input that can be made again. */
function sparingly(
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  { run, gradients }: LayerOperation,
): Tensor {
  const streamed = isStreamed(weight);
  const trained = weight.requiresGrad;
  const recipe = trained ? recipeOf(input) : undefined;
  const plain =
    !native.gradMode() ||
    !(streamed ? !currentAutocast() : sparing()) ||
    bias?.requiresGrad ||
    (trained ? !recipe : !input.requiresGrad);
  if (plain) return streamed ? scope(() => run(weightToUse(weight))) : run(weight);
  // An adapter's weight is a view that its pass releases.
  const kept = streamed ? weight : keep(weight.detach());
  return withBackward(
    [input, weight],
    () => run(weightToUse(weight)),
    (incoming) => {
      const again = recipe && noGrad(() => recipe.make(recipe.source));
      const result = gradients(incoming, weightToUse(kept), again);
      if (!streamed) kept.dispose();
      return result;
    },
  );
}
