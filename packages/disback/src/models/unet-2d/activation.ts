import { type GroupNorm, ops, recomputed, scope, type Tensor } from "@disback/torch";

/** Activation functions of diffusers' networks. */
export const activationNames = ["silu", "relu", "gelu", "mish"] as const;
export type ActivationName = (typeof activationNames)[number];

const functions: Record<ActivationName, [plain: (x: Tensor) => Tensor, inPlace: (x: Tensor) => Tensor]> = {
  silu: [ops.silu, ops.silu_],
  relu: [ops.relu, ops.relu_],
  gelu: [ops.gelu, ops.gelu_],
  mish: [ops.mish, ops.mish_],
};

/** Applies the function; x is not changed. */
export function activate(x: Tensor, name: ActivationName): Tensor {
  return functions[name][0](x);
}

/** Applies the function, in place if no gradient needs x. */
export function activateTemporary(x: Tensor, name: ActivationName): Tensor {
  return functions[name][x.requiresGrad ? 0 : 1](x);
}

/** Applies the function to the normalized input; leaves one tensor. */
export function activatedNormal(norm: GroupNorm, x: Tensor, name: ActivationName): Tensor {
  const make = (input: Tensor) =>
    scope(() => (name === "silu" ? norm.forwardSilu(input) : activateTemporary(norm.forward(input), name)));
  return recomputed(make, x);
}
