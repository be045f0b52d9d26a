import type { WeightStart } from "../weights.js";

/** How PyTorch starts linear and convolutional layers: uniform up to 1 / sqrt(fan in), biases too. */
export const torchStart: WeightStart = {
  distribution: "kaiming-uniform",
  weightScale: Math.sqrt(1 / 3),
  biasScale: Math.sqrt(1 / 3),
};
