import { cat, Module, noGrad, ops, parameter, type Tensor, zeros } from "@disback/torch";
import { Dense } from "../dense.js";
import { dropLabels, type Network } from "../network.js";
import type { WeightSource, WeightStart } from "../weights.js";

/** Channels of the sines and cosines of the noise level. */
export const waveChannels = 256;
/** Standard deviation of the initial embeddings (Peebles and Xie 2023, released code). */
const deviation = 0.02;

/**
 * What all blocks are conditioned on: sines and cosines of the noise level `[N, 256]`, and classes `[N, labelDim + 1]`.
 */
export interface Conditioning {
  waves: Tensor;
  classes: Tensor;
}

/**
 * Rows for the table of classes, whose last row is "no class".
 * @param labels `[N, labelDim]`, one-hot or soft; what is missing to a sum of 1 goes to "no class"
 * @returns `[N, labelDim + 1]`
 */
export function withNullClass(labels: Tensor): Tensor {
  return cat([labels, labels.sum(1, true).neg().add(1)], 1);
}

/**
 * The classes a network is shown: none where no labels are given, some hidden in training.
 * @param x its input, `[N, ...]`
 * @returns `[N, labelDim + 1]` or `[1, labelDim + 1]`
 */
export function shownClasses(
  { dtype, training }: Network,
  { labelDim, labelDropout }: { labelDim: number; labelDropout: number },
  x: Tensor,
  labels?: Tensor,
): Tensor {
  const given = labels ?? zeros([1, labelDim], { dtype, device: x.device });
  const drops = training && labelDropout > 0;
  return withNullClass(drops ? dropLabels(given, labelDropout, x.shape[0]!) : given);
}

/** A state whose class tables keep only their last row, "no class". */
export function withoutClasses(state: Map<string, Tensor>, labelDim: number): Map<string, Tensor> {
  return new Map(
    [...state].map(([key, tensor]) => [
      key,
      key.endsWith("embedding_table.weight") ? tensor.narrow(0, labelDim, 1) : tensor,
    ]),
  );
}

/** Noise level and class as one vector. Keys as of CombinedTimestepLabelEmbeddings in diffusers. */
export class ConditioningEmbedding extends Module {
  readonly timestep_embedder: TimestepEmbedding;
  readonly class_embedder: { embedding_table: ClassTable };

  constructor(source: WeightSource, labelDim: number, channels: number) {
    super();
    this.timestep_embedder = new TimestepEmbedding(source, channels);
    this.class_embedder = { embedding_table: new ClassTable(source, labelDim + 1, channels) };
  }

  /** @returns `[N, channels]` */
  forward({ waves, classes }: Conditioning): Tensor {
    const classVector = this.class_embedder.embedding_table.forward(classes);
    return this.timestep_embedder.forward(waves).add(classVector);
  }
}

class TimestepEmbedding extends Module {
  readonly linear_1: Dense;
  readonly linear_2: Dense;

  constructor(source: WeightSource, channels: number) {
    super();
    this.linear_1 = new Dense(source, waveChannels, channels, normalStart(waveChannels));
    this.linear_2 = new Dense(source, channels, channels, normalStart(channels));
  }

  forward(waves: Tensor): Tensor {
    return this.linear_2.forward(ops.silu(this.linear_1.forward(waves)));
  }
}

/** A weighted sum of the rows, so that soft labels and gradients pass. A one-hot label gives its row exactly. */
class ClassTable extends Module {
  readonly weight: Tensor;

  constructor(source: WeightSource, rows: number, channels: number) {
    super();
    this.weight = parameter(noGrad(() => source.normal([rows, channels]).mul_(deviation)));
  }

  forward(rows: Tensor): Tensor {
    return ops.matmul(rows, this.weight);
  }
}

function normalStart(fanIn: number): WeightStart {
  return { distribution: "kaiming-normal", weightScale: deviation * Math.sqrt(fanIn) };
}
