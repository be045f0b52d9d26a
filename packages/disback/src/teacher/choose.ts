import type { SampleSource } from "../data/samples.js";
import { DisbackError } from "../errors.js";
import type { DenoiserConfigInput } from "../models/config.js";

/** A network for a data set, and the length of its training. */
export interface ChosenTeacher {
  model: DenoiserConfigInput;
  training: { iterations: number; batchSize: number };
  /** one line for the user: what was chosen, and for which data */
  why: string;
}

/** The same for pictures with captions: a U-Net that is told a text. @throws DisbackError as `chooseTeacher` */
export function chooseTextTeacher(
  data: Pick<SampleSource, "name" | "sampleShape" | "length">,
  device: string,
): ChosenTeacher {
  const [imageChannels, side] = data.sampleShape as [number, number?];
  if (side === undefined || side > LARGEST_SIDE || side % 8 !== 0)
    throw new DisbackError(
      `${data.name}: for samples [${data.sampleShape.join(", ")}] with captions no network can be chosen; give --resolution 32 or 64, or a "model"`,
    );
  const onCpu = device === "cpu";
  const blockChannels = onCpu ? [64, 96, 128] : [128, 256, 384];
  const training = onCpu ? { iterations: 4000, batchSize: 32 } : { iterations: 50_000, batchSize: 128 };
  return {
    model: { network: "text-unet", imageResolution: side, imageChannels, blockChannels },
    training,
    why: `chosen for ${data.length.toLocaleString("en")} pictures with captions: text-unet of ${blockChannels.join(", ")} channels, ${training.iterations.toLocaleString("en")} iterations of ${training.batchSize}; all of this can be set, see --show-settings`,
  };
}

/** Image sizes that have a choice. */
const LARGEST_SIDE = 64;

/**
 * Chooses a network that a CPU trains in well under an hour, or a GPU in hours, from the kind and size of the samples.
 * The sizes are those of the shipped teachers; their cards state the results.
 *
 * @param data the training data at its final size
 * @param device the training device
 * @throws DisbackError for samples without a known choice
 */
export function chooseTeacher(
  data: Pick<SampleSource, "name" | "sampleShape" | "length" | "labelDim">,
  device: string,
): ChosenTeacher {
  const { model, training } = choiceFor(data, device);
  const classes = data.labelDim > 0 ? ` in ${data.labelDim} classes` : "";
  const samples = `${data.length.toLocaleString("en")} samples [${data.sampleShape.join(", ")}]${classes}`;
  const width = "modelChannels" in model ? `${model.modelChannels} channels` : "128 hidden channels";
  return {
    model,
    training,
    why: `chosen for ${samples}: ${model.network} of ${width}, ${training.iterations.toLocaleString("en")} iterations of ${training.batchSize}; all of this can be set, see --show-settings`,
  };
}

function choiceFor({ sampleShape, name }: Pick<SampleSource, "name" | "sampleShape">, device: string) {
  const [first, second, side] = sampleShape as [number, number, number];
  if (sampleShape.length === 1) return forPoints(first);
  if (sampleShape.length === 4) return forClips(first, second, side, name);
  return forImages(first, second, device, name);
}

function forClips(imageChannels: number, frames: number, side: number, name: string) {
  if (side > LARGEST_SIDE || side % 4 !== 0)
    throw new DisbackError(
      `${name}: for clips of ${side} x ${side} no network can be chosen; give --resolution 16 or 32, or a "model"`,
    );
  const model: DenoiserConfigInput = {
    ...{ network: "video-unet", frames, imageResolution: side, imageChannels },
    ...{ modelChannels: 32, channelMultipliers: [1, 2, 2], blocksPerResolution: 1 },
    ...{ attentionResolutions: [], dropout: 0 },
  };
  return { model, training: { iterations: 3000, batchSize: 16 } };
}

function forPoints(dimension: number) {
  const model: DenoiserConfigInput = { network: "mlp", dimension, hiddenChannels: 128, blocks: 4 };
  return { model, training: { iterations: 4000, batchSize: 256 } };
}

function forImages(imageChannels: number, side: number, device: string, name: string) {
  if (side > LARGEST_SIDE || side % 4 !== 0)
    throw new DisbackError(
      `${name}: for images of ${side} x ${side} no network can be chosen; give --resolution 32 or 64, or a "model"`,
    );
  const small = side <= 16;
  const image = { network: "song-unet", imageResolution: side, imageChannels } as const;
  if (device !== "cpu") {
    const sizes = { modelChannels: 64, channelMultipliers: [1, 2, 2], blocksPerResolution: 2 };
    const model: DenoiserConfigInput = { ...image, ...sizes, attentionResolutions: [16], dropout: 0.1 };
    return { model, training: { iterations: 50_000, batchSize: 128 } };
  }
  const model: DenoiserConfigInput = {
    ...image,
    modelChannels: (imageChannels > 1 ? 24 : 16) + (small ? 0 : 8),
    channelMultipliers: side > 32 ? [1, 2, 2, 2] : [1, 2, 2],
    blocksPerResolution: 1,
    attentionResolutions: [],
    dropout: 0,
  };
  return {
    model,
    training: small ? { iterations: 3000, batchSize: 64 } : { iterations: 1200, batchSize: 32 },
  };
}
