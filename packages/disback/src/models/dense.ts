import { adapted, layerProduct, Module, parameter, type Tensor } from "@disback/torch";
import { initialWeights, type WeightSource, type WeightStart } from "./weights.js";

/** A fully connected layer, y = x W^T + b, initialised as in Karras et al. 2022. */
export class Dense extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | null;

  /** @param options.bias false leaves the bias out (default true) */
  constructor(
    source: WeightSource,
    inFeatures: number,
    outFeatures: number,
    start: WeightStart,
    options: { bias?: boolean } = {},
  ) {
    super();
    const shapes = {
      weight: [outFeatures, inFeatures],
      bias: options.bias === false ? undefined : [outFeatures],
    };
    const { weight, bias } = initialWeights(source, start, shapes, inFeatures, outFeatures);
    this.weight = parameter(weight);
    this.bias = bias && parameter(bias);
  }

  /** @param x `[N, in]` @returns `[N, out]` */
  forward(x: Tensor): Tensor {
    return adapted(this, layerProduct(x, this.weight, this.bias), (weight) => layerProduct(x, weight));
  }
}
