import { DisbackError } from "../../errors.js";
import type { Labels } from "../labels.js";
import type { ResolvedOptions } from "../options.js";
import type { SampleSource } from "../samples.js";
import { storeChannelsFirst } from "./layout.js";
import { type PixelImage, resizeArrayImage, toChannels } from "./resize.js";
import { StoredImages } from "./stored.js";

/** Images a file stores as one array, already decoded. */
export interface ImageArray {
  /** name of the dataset */
  name: string;
  /** where it comes from, for messages */
  path: string;
  count: number;
  width: number;
  height: number;
  channels: 1 | 3;
  /** image `index` as channels-last bytes */
  image(index: number): Uint8Array;
  labels: Labels | undefined;
}

/**
 * Makes a dataset of an array of images, resized by `resizeArrayImage` if another resolution is asked for.
 * @throws DisbackError if the images are not square and no resolution is given
 */
export function openImageArray(array: ImageArray, options: ResolvedOptions): SampleSource {
  const { name, path, count, width, height } = array;
  if (count === 0) throw new DisbackError(`${path}: there are no images in it`);
  if (width === 0 || height === 0)
    throw new DisbackError(
      `${path}: its ${count} images are ${width} x ${height}: there are no pixels in them`,
    );
  if (width !== height && !options.resolution)
    throw new DisbackError(
      `${path}: the images are ${width} x ${height}, but must be square: choose a resolution to crop and resize them`,
    );
  const side = options.resolution ?? width;
  const channels = options.channels ?? array.channels;
  const pixels = new Uint8Array(count * channels * side * side);
  for (let index = 0; index < count; index++) {
    let image: PixelImage = { data: array.image(index), width, height, channels: array.channels };
    image = toChannels(image, channels, path, true);
    if (options.resolution) image = resizeArrayImage(image, side);
    storeChannelsFirst(pixels, index, image.data, channels);
  }
  return new StoredImages(name, [channels, side, side], pixels, options.labels ? array.labels : undefined);
}
