import { ops } from "../ops.js";
import type { Tensor } from "../tensor.js";

/** How single losses are reduced: mean (default), sum, or none. */
export type LossReduction = "mean" | "sum" | "none";

export interface LossOptions {
  reduction?: LossReduction;
}

const codes = { none: 0, mean: 1, sum: 2 } as const;
const code = ({ reduction = "mean" }: LossOptions): number => codes[reduction];

/** (input - target)^2 */
export function mseLoss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  return ops.mse_loss(input, target, code(options));
}

/** |input - target| */
export function l1Loss(input: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  return ops.l1_loss(input, target, code(options));
}

export interface SmoothL1LossOptions extends LossOptions {
  /** below it the loss is a parabola, default 1 */
  beta?: number;
}

/** 0.5 d^2 / beta for |d| < beta, else |d| - 0.5 beta (Girshick 2015, eq. 3). */
export function smoothL1Loss(input: Tensor, target: Tensor, options: SmoothL1LossOptions = {}): Tensor {
  return ops.smooth_l1_loss(input, target, code(options), options.beta);
}

export interface HuberLossOptions extends LossOptions {
  /** below it the loss is a parabola, default 1 */
  delta?: number;
}

/** 0.5 d^2 for |d| < delta, else delta (|d| - 0.5 delta) (Huber 1964). */
export function huberLoss(input: Tensor, target: Tensor, options: HuberLossOptions = {}): Tensor {
  return ops.huber_loss(input, target, code(options), options.delta);
}

export interface NLLLossOptions extends LossOptions {
  /** weight of each class, [C] */
  weight?: Tensor;
  /** target to ignore, default -100 */
  ignoreIndex?: number;
}

/** -input[target]. @param input log probabilities `[N, C, ...]` @param target classes, int64 `[N, ...]` */
export function nllLoss(input: Tensor, target: Tensor, options: NLLLossOptions = {}): Tensor {
  return ops.nll_loss_nd(input, target, options.weight, code(options), options.ignoreIndex);
}

export interface CrossEntropyLossOptions extends NLLLossOptions {
  /** weight of the uniform distribution in the target, default 0 */
  labelSmoothing?: number;
}

/**
 * -log softmax(input)[target].
 * @param input logits `[N, C, ...]`
 * @param target classes, int64 `[N, ...]`, or their probabilities `[N, C, ...]`
 */
export function crossEntropy(input: Tensor, target: Tensor, options: CrossEntropyLossOptions = {}): Tensor {
  const { weight, ignoreIndex, labelSmoothing } = options;
  return ops.cross_entropy_loss(input, target, weight, code(options), ignoreIndex, labelSmoothing);
}

export interface BCELossOptions extends LossOptions {
  /** weight of each element, broadcast */
  weight?: Tensor;
}

/** -target log input - (1 - target) log(1 - input). @param input probabilities, of the target's shape */
export function binaryCrossEntropy(input: Tensor, target: Tensor, options: BCELossOptions = {}): Tensor {
  return ops.binary_cross_entropy(input, target, options.weight, code(options));
}

export interface BCEWithLogitsLossOptions extends BCELossOptions {
  /** weight of positive targets, broadcast */
  posWeight?: Tensor;
}

/** Binary cross entropy of sigmoid(input), without its overflow. */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  options: BCEWithLogitsLossOptions = {},
): Tensor {
  const { weight, posWeight } = options;
  return ops.binary_cross_entropy_with_logits(input, target, weight, posWeight, code(options));
}

export interface KLDivLossOptions {
  /** "batchmean" is the divergence itself: the sum over the number of samples; default "mean", as in PyTorch */
  reduction?: LossReduction | "batchmean";
  /** the targets are log probabilities, default false */
  logTarget?: boolean;
}

/** target (log target - input), the terms of KL(target | input). @param input log probabilities */
export function klDiv(input: Tensor, target: Tensor, options: KLDivLossOptions = {}): Tensor {
  const { reduction = "mean", logTarget } = options;
  if (reduction !== "batchmean") return ops.kl_div(input, target, codes[reduction], logTarget);
  return ops.kl_div(input, target, codes.sum, logTarget).div(input.size(0));
}
