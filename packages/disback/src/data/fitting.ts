import { DisbackError } from "../errors.js";
import type { SampleSource } from "./samples.js";

/** What data must have to train or evaluate a model. */
export interface SampleFacts {
  /** shape of the samples, `[C, H, W]` or `[D]` (for a latent model: of decoded samples) */
  sampleShape: readonly number[];
  /** classes, or numbers of a soft label; 0 for a model without labels */
  labelDim: number;
}

/**
 * Checks that data fits a model: kind, channels, size and classes.
 * @param model name of the model in errors, such as `the teacher`
 * @returns lines about what fits but is not used
 * @throws DisbackError with one line that names what differs and what to do
 */
export function requireFittingData(
  dataset: SampleSource,
  { sampleShape, labelDim }: SampleFacts,
  model = "the model",
): string[] {
  const { name } = dataset;
  const [wanted, found] = [sampleShape, dataset.sampleShape];
  if (wanted.length !== found.length)
    throw new DisbackError(`${name} holds ${kindOf(found)}, but ${model} makes ${kindOf(wanted)}`);
  if (wanted.length === 3 && wanted[0] !== found[0])
    throw new DisbackError(
      `${name} holds ${colours(found[0]!)}, but ${model} makes ${colours(wanted[0]!)}: open it with channels ${wanted[0]} to convert it`,
    );
  if (wanted.join() !== found.join())
    throw new DisbackError(
      wanted.length === 3
        ? `${name} holds images of ${found[2]} x ${found[1]}, but ${model} makes ${wanted[2]} x ${wanted[1]}: open it with resolution ${wanted[1]} to resize it`
        : `${name} holds ${kindOf(found)}, but ${model} makes ${kindOf(wanted)}`,
    );
  if (labelDim === 0)
    return dataset.labelDim > 0
      ? [`the ${classesOf(dataset)} of ${name} are not used: ${model} has none`]
      : [];
  if (dataset.labelDim === 0)
    throw new DisbackError(`${name} has no labels, but ${model} has ${labelDim} classes`);
  if (dataset.labelDim !== labelDim)
    throw new DisbackError(`${name} has ${classesOf(dataset)}, but ${model} has ${labelDim}`);
  return [];
}

function kindOf(shape: readonly number[]): string {
  if (shape.length === 3) return `images [${shape.join(", ")}]`;
  const [channels, frames, height, width] = shape;
  if (shape.length === 4)
    return `clips of ${frames} frames of ${width} x ${height} with ${channels} channels`;
  return `points of ${shape.join(" x ")} dimensions`;
}

const colours = (channels: number): string =>
  channels === 1 ? "grey images" : channels === 3 ? "colour images" : `images of ${channels} channels`;

function classesOf({ labelDim, classNames }: SampleSource): string {
  if (!classNames) return `${labelDim} classes`;
  return `${labelDim} classes (${classNames.slice(0, 3).join(", ")}${labelDim > 3 ? ", …" : ""})`;
}
