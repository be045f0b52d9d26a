import { DisbackError } from "../../errors.js";
import { Labels } from "../labels.js";
import { Points } from "../points.js";
import { RandomStream } from "../random.js";
import type { ToyDistribution } from "./distribution.js";
import type { ToyRequest } from "./parse.js";

/** Streams of a toy's seed: the two splits are independent. */
const streams: Record<string, number> = { train: 0, test: 1 };

/** @throws DisbackError for another split than "train", the default, and "test" */
export function splitStream(name: string, split = "train"): number {
  const stream = streams[split];
  if (stream === undefined) throw new DisbackError(`${name} has no split "${split}" (found: train, test)`);
  return stream;
}

/** Points drawn from a toy distribution, with the distribution at hand. */
export class ToyPoints extends Points {
  constructor(
    name: string,
    coordinates: Float32Array,
    labels: Labels | undefined,
    readonly distribution: ToyDistribution,
  ) {
    super(name, coordinates, [2], labels);
  }
}

/**
 * Draws a toy dataset: the same points for the same request and split, on every machine.
 * @param split "train" (default), or "test" for a second, independent set
 * @param withLabels whether the component each point came from becomes its label
 */
export function drawToy(
  request: ToyRequest,
  name: string,
  split: string | undefined,
  withLabels: boolean,
): ToyPoints {
  const { distribution, count, seed } = request;
  const random = new RandomStream(seed, splitStream(name, split));
  const coordinates = new Float32Array(2 * count);
  const classes = new Int32Array(count);
  for (let index = 0; index < count; index++) {
    const { x, y, label } = distribution.draw(random);
    coordinates[2 * index] = x;
    coordinates[2 * index + 1] = y;
    classes[index] = label;
  }
  const names = Array.from({ length: distribution.classes }, (_, component) => `${component}`);
  const labels = withLabels ? Labels.fromClasses(classes, name, names) : undefined;
  return new ToyPoints(name, coordinates, labels, distribution);
}
