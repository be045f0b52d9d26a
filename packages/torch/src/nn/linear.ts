import type { Tensor } from "../tensor.js";
import { adapted } from "./adapters.js";
import { kaimingUniform, type LayerOptions, uniform } from "./initialization.js";
import { layerProduct } from "./layer-operations.js";
import { Module } from "./module.js";
import { parameter } from "./parameter.js";

/** y = x W^T + b, with `weight` [out, in] and `bias` [out]. */
export class Linear extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | null;

  /** @param options.bias false leaves the bias out (default true) */
  constructor(inFeatures: number, outFeatures: number, options: LayerOptions & { bias?: boolean } = {}) {
    super();
    this.weight = parameter(kaimingUniform([outFeatures, inFeatures], inFeatures, options));
    this.bias =
      options.bias === false ? null : parameter(uniform([outFeatures], 1 / Math.sqrt(inFeatures), options));
  }

  /** @param input `[..., in]` @returns `[..., out]` */
  forward(input: Tensor): Tensor {
    const result = layerProduct(input, this.weight, this.bias);
    return adapted(this, result, (weight) => layerProduct(input, weight));
  }
}
