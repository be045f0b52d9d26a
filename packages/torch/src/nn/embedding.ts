import { noGrad } from "../autograd.js";
import { ops } from "../ops.js";
import type { Tensor } from "../tensor.js";
import { type LayerOptions, normal } from "./initialization.js";
import { Module } from "./module.js";
import { parameter } from "./parameter.js";

/** A table of vectors looked up by index: `weight` [count, dimension]. */
export class Embedding extends Module {
  readonly weight: Tensor;

  private readonly paddingIndex: number | undefined;

  /** @param options.paddingIndex index of a vector that is initially zero and gets no gradient */
  constructor(count: number, dimension: number, options: LayerOptions & { paddingIndex?: number } = {}) {
    super();
    this.weight = parameter(normal([count, dimension], options));
    const { paddingIndex } = options;
    this.paddingIndex = paddingIndex;
    if (paddingIndex !== undefined) noGrad(() => this.weight.setAt([paddingIndex], 0));
  }

  /** @param indices int64 `[...]`, 0 <= index < count @returns `[..., dimension]` */
  forward(indices: Tensor): Tensor {
    return ops.embedding(this.weight, indices, this.paddingIndex);
  }
}
