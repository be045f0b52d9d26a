import type { Tensor } from "../tensor.js";

/**
 * What is added to a layer's result. `apply` runs the layer's own operation with another weight and without a bias: a
 * low-rank adapter is `up (apply(down))`, and the layer's weight is never copied.
 */
export type LayerAdapter = (apply: (weight: Tensor) => Tensor) => Tensor;

/** Adapters by layer: linear layers and convolutions with one group. */
export type LayerAdapters = ReadonlyMap<object, LayerAdapter>;

let active: LayerAdapters | undefined;

/**
 * Runs passes with adapters on some layers. Blocks under `checkpoint` use the same adapters again in the backward pass.
 * @param adapters `undefined` for none
 */
export function withAdapters<T>(adapters: LayerAdapters | undefined, run: () => T): T {
  const before = active;
  active = adapters;
  try {
    return run();
  } finally {
    active = before;
  }
}

/** The adapters in use, for code that runs a pass again later. */
export function activeAdapters(): LayerAdapters | undefined {
  return active;
}

/**
 * A layer's result with its adapter, if one is in use. Layers of your own that shall be adaptable call it in `forward`.
 * @param result the layer's result, which is added to in place
 * @param apply the layer's operation with another weight of the same shape but for its outputs, and without a bias
 */
export function adapted(layer: object, result: Tensor, apply: (weight: Tensor) => Tensor): Tensor {
  const adapter = active?.get(layer);
  return adapter ? result.add_(adapter(apply)) : result;
}
