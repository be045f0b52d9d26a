import { Module, noGrad, ops, parameter, type Tensor } from "@disback/torch";
import type { WeightSource } from "../models/weights.js";

/** A vector for each token, place or type. */
export class EmbeddingTable extends Module {
  readonly weight: Tensor;

  /** @param deviation of the initial values */
  constructor(source: WeightSource, rows: number, channels: number, deviation = 0.02) {
    super();
    const drawn = source.normal([rows, channels]);
    this.weight = parameter(source.shapesOnly ? drawn : noGrad(() => drawn.mul_(deviation)));
  }

  /** @param ids int64 `[...]` @returns `[..., channels]` */
  forward(ids: Tensor): Tensor {
    return ops.embedding(this.weight, ids);
  }

  /** The first rows. @returns `[count, channels]` */
  first(count: number): Tensor {
    return this.weight.narrow(0, 0, count);
  }
}
