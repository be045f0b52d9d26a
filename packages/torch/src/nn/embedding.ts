import { ops } from "../ops.js";
import type { Tensor } from "../tensor.js";
import { type LayerOptions, normal } from "./initialization.js";
import { Module } from "./module.js";
import { parameter } from "./parameter.js";

/** A table of vectors looked up by index: `weight` [count, dimension]. */
export class Embedding extends Module {
  readonly weight: Tensor;

  constructor(count: number, dimension: number, options: LayerOptions = {}) {
    super();
    this.weight = parameter(normal([count, dimension], options));
  }

  /** @param indices int64 `[...]`, 0 <= index < count @returns `[..., dimension]` */
  forward(indices: Tensor): Tensor {
    return ops.embedding(this.weight, indices);
  }
}
