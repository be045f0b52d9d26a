import { DisbackError } from "../../errors.js";
import type { Labels } from "../labels.js";
import type { ResolvedOptions } from "../options.js";
import type { SampleSource } from "../samples.js";
import { storeChannelsFirst } from "./layout.js";
import {
  cropAndResample,
  ImageFormError,
  isGrey,
  isMnistResizing,
  type PixelImage,
  padAndAverage,
  toChannels,
} from "./resize.js";
import { StoredImages } from "./stored.js";
import { ImageSurvey } from "./survey.js";

/** Decoded images that a file stores as one array. */
export interface ImageArray {
  /** name of the dataset */
  name: string;
  /** source, for messages */
  path: string;
  count: number;
  width: number;
  height: number;
  channels: 1 | 3;
  /** image `index` as channels-last bytes */
  image(index: number): Uint8Array;
  labels: Labels | undefined;
  /** 28 x 28 becomes 32 x 32 by a margin, as is usual for the MNIST family */
  padded?: boolean;
}

/** Images of an array that are converted without a report. */
const BETWEEN_REPORTS = 500;

/**
 * Makes a dataset of an array of images. They are resized like image files, by centre crop and Lanczos. Only the MNIST
 * family's 28 x 28 gets a margin (`padAndAverage`), with a note.
 * @throws DisbackError if there are no images
 * @throws ImageFormError if the images are not square and no resolution is given
 */
export async function openImageArray(array: ImageArray, options: ResolvedOptions): Promise<SampleSource> {
  const { name, path, count, width, height } = array;
  if (count === 0) throw new DisbackError(`${path}: there are no images in it`);
  if (width === 0 || height === 0)
    throw new DisbackError(
      `${path}: its ${count} images are ${width} x ${height}: there are no pixels in them`,
    );
  if (width !== height && !options.resolution)
    throw new ImageFormError(
      `${path}: the images are ${width} x ${height}, but must be square: choose a resolution to crop and resize them`,
      "resolution",
    );
  const side = options.resolution ?? width;
  const padded = array.padded && isMnistResizing(width, height, side) ? (side as 32 | 16) : undefined;
  if (padded)
    options.findings.note(
      `28 x 28 is brought to ${side} x ${side} by a margin of 2 black pixels${side === 16 ? " and averages of 2 x 2" : ""}`,
    );
  const channels = options.channels ?? array.channels;
  const pixels = new Uint8Array(count * channels * side * side);
  const survey = new ImageSurvey();
  for (let index = 0; index < count; index++) {
    const stored: PixelImage = { data: array.image(index), width, height, channels: array.channels };
    const colour = array.channels === 3 && channels === 1 && !isGrey(stored.data);
    const image = toChannels(stored, channels, path, true);
    const shaped = padded
      ? padAndAverage(image, padded)
      : options.resolution
        ? cropAndResample(image, side)
        : image;
    const traits = { width, height, animated: false, transparent: false, colour };
    survey.add({ name: `image ${index}`, traits, width: padded ? width : side, height: side, channels });
    storeChannelsFirst(pixels, index, shaped.data, channels);
    if ((index + 1) % BETWEEN_REPORTS === 0) await options.onProgress?.(index + 1, count);
  }
  survey.addTo(options.findings);
  const labels = options.labels ? array.labels : undefined;
  return new StoredImages(name, [channels, side, side], pixels, labels, survey.storedSizes());
}
