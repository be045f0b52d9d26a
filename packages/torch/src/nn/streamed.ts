import { native } from "../binding.js";
import type { Device } from "../dtype.js";
import type { Tensor } from "../tensor.js";

/** Where a layer's weight is while it is not used. */
export interface WeightStore {
  /** the device on which the layer computes */
  readonly device: Device;
  /** the weight on that device, to be released after this use */
  fetch(): Tensor;
}

const stores = new WeakMap<Tensor, WeightStore>();

/**
 * From now on, linear layers and convolutions fetch this frozen weight for each use: before the layer's forward pass, and
 * again in its backward pass. So a network's weights need not be in the device's memory together.
 * @param weight keeps its shape and dtype; it may lie elsewhere, such as in a mapped file or in host memory
 * @throws RangeError if it is trained
 */
export function streamWeight(weight: Tensor, store: WeightStore): void {
  if (weight.requiresGrad)
    throw new RangeError("streamWeight: only a frozen weight can be fetched for each use");
  stores.set(weight, store);
}

/** Whether a weight is fetched for each use. */
export function isStreamed(weight: Tensor): boolean {
  return stores.has(weight);
}

/** The device on which a layer with this weight computes. */
export function computingDevice(weight: Tensor): Device {
  return stores.get(weight)?.device ?? weight.device;
}

/** @internal The weight for one use; a new tensor if it is streamed. */
export function weightToUse(weight: Tensor): Tensor {
  const store = stores.get(weight);
  if (!store) return weight;
  native.refuseCapture("fetch a weight");
  return store.fetch();
}
