import type { WeightStart } from "../weights.js";

/** PyTorch's initialisation of linear and convolutional layers: uniform up to 1 / sqrt(fan in), biases too. */
export const torchStart: WeightStart = {
  distribution: "kaiming-uniform",
  weightScale: Math.sqrt(1 / 3),
  biasScale: Math.sqrt(1 / 3),
};
