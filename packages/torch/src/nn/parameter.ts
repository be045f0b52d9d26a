import { keep } from "../scope.js";
import type { Tensor } from "../tensor.js";

/** The role of a tensor in its module. Transient buffers move with the module but are not in its state. */
export type Role = "parameter" | "buffer" | "transient buffer";

// The role is stored beside the tensor, so that a module's fields keep the type Tensor.
const roles = new WeakMap<Tensor, Role>();

/**
 * Makes a tensor a trainable parameter of the module that holds it. No scope releases it. Floating-point tensors get
 * `requiresGrad`; a tensor with a history is detached first.
 */
export function parameter(value: Tensor): Tensor {
  return register(value, "parameter").requiresGrad_(true);
}

/**
 * Makes a tensor a buffer of the module that holds it: saved and moved with the module, never trained. No scope
 * releases it.
 * @param options.persistent false leaves it out of `stateDict` (default true)
 */
export function buffer(value: Tensor, options: { persistent?: boolean } = {}): Tensor {
  return register(value, options.persistent === false ? "transient buffer" : "buffer");
}

/** The role of a tensor in its module; undefined for tensors that are neither parameter nor buffer. */
export function roleOf(value: Tensor): Role | undefined {
  return roles.get(value);
}

function register(value: Tensor, role: Role): Tensor {
  const leaf = value.isLeaf ? value : value.detach();
  roles.set(leaf, role);
  return keep(leaf);
}
