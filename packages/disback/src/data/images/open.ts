import { DisbackError } from "../../errors.js";
import type { ResolvedOptions } from "../options.js";
import type { SampleSource } from "../samples.js";
import { concurrently } from "./concurrently.js";
import {
  BrokenImageError,
  type DecodedImage,
  decodeImage,
  type ImageForm,
  storedChannels,
} from "./decode.js";
import { storeChannelsFirst } from "./layout.js";
import { LazyImages } from "./lazy.js";
import type { ImageEntry, ImageListing } from "./listing.js";
import type { ReadImage } from "./read-image.js";
import { ImageFormError } from "./resize.js";
import { StoredImages } from "./stored.js";
import { ImageSurvey } from "./survey.js";

interface FirstImage {
  entry: ImageEntry;
  image: DecodedImage;
  form: ImageForm;
}

async function findFirst(listing: ImageListing, options: ResolvedOptions): Promise<FirstImage> {
  for (const entry of listing.entries) {
    try {
      const bytes = await entry.read();
      const channels = options.channels ?? (await storedChannels(bytes, entry.name));
      const form = {
        resolution: options.resolution,
        channels,
        channelsAsked: options.channels !== undefined,
      };
      return { entry, image: await decodeImage(bytes, entry.name, form), form };
    } catch (error) {
      if (!options.skipBroken || !(error instanceof BrokenImageError)) throw error;
    }
  }
  const what = listing.entries.length ? "every image in it is broken" : "there are no images in it";
  throw new DisbackError(`${listing.name}: ${what}`);
}

function checkedReader({ entry: first, image, form }: FirstImage): ReadImage {
  const { width, height } = image;
  if (width !== height)
    throw new ImageFormError(
      `${first.name} is ${width} x ${height}, but images must be square: choose a resolution to crop and resize them`,
      "resolution",
    );
  return async (entry) => {
    const decoded = await decodeImage(await entry.read(), entry.name, form);
    if (decoded.width !== width || decoded.height !== height)
      throw new ImageFormError(
        `${entry.name} is ${decoded.width} x ${decoded.height}, but ${first.name} is ${width} x ${height}: choose a resolution to resize them`,
        "resolution",
      );
    return decoded;
  };
}

/** Decodes every entry and passes the good ones to `take`; returns their indices in order. */
async function decodeAll(
  listing: ImageListing,
  options: ResolvedOptions,
  read: ReadImage,
  take: (index: number, image: DecodedImage) => void,
): Promise<{ good: number[]; survey: ImageSurvey }> {
  const total = listing.entries.length;
  const traits: (Omit<DecodedImage, "data"> | undefined)[] = [];
  const good = new Uint8Array(total);
  let done = 0;
  await concurrently(total, async (index) => {
    try {
      const { data, ...image } = await read(listing.entries[index]!);
      take(index, { data, ...image });
      traits[index] = image;
      good[index] = 1;
    } catch (error) {
      if (!options.skipBroken || !(error instanceof BrokenImageError)) throw error;
      options.onWarning?.(`left out: ${error.message}`);
      options.findings.leaveOut("broken image", listing.entries[index]!.name);
    }
    await options.onProgress?.(++done, total);
  });
  const survey = new ImageSurvey();
  for (const image of traits) if (image) survey.add(image);
  survey.addTo(options.findings);
  return { good: [...good.keys()].filter((index) => good[index]), survey };
}

/** The listing without its broken images. @throws DisbackError if a class has lost all of its images */
function keep(listing: ImageListing, good: number[]): ImageListing {
  if (good.length === listing.entries.length) return listing;
  const labels = listing.labels?.select(good);
  const before = listing.labels?.counts();
  const lost = labels?.counts()?.findIndex((count, label) => count === 0 && before![label]! > 0) ?? -1;
  if (lost >= 0)
    throw new DisbackError(
      `${listing.name}: all ${before![lost]} images of the class ${labels!.classNames?.[lost] ?? lost} are broken: replace them, or remove the class`,
    );
  return {
    ...listing,
    entries: good.map((index) => listing.entries[index]!),
    labels,
    captions: listing.captions && good.map((index) => listing.captions![index]!),
  };
}

/**
 * Makes a dataset of a listing. If the images fit into `cacheBytes`, they are decoded now and kept as bytes, so that a
 * broken file is found at once; a larger set is decoded on demand. With `skipBroken` every file is decoded now in any
 * case, because the number of samples must be known.
 * @throws DisbackError if there are no images, one is broken, or a class has only broken ones
 * @throws ImageFormError if sizes differ and no resolution is given
 */
export async function openImages(listing: ImageListing, options: ResolvedOptions): Promise<SampleSource> {
  try {
    const first = await findFirst(listing, options);
    const read = checkedReader(first);
    const { width, height, channels, data } = first.image;
    const shape = [channels, height, width] as const;
    const total = listing.entries.length;
    if (total * data.length > options.cacheBytes) return await openLazily(listing, options, read, shape);

    const pixels = new Uint8Array(total * data.length);
    const { good, survey } = await decodeAll(listing, options, read, (index, image) =>
      storeChannelsFirst(pixels, index, image.data, channels),
    );
    listing.close();
    const { labels, captions } = keep(listing, good);
    options.findings.captions = captions;
    if (good.length < total)
      for (const [place, index] of good.entries())
        pixels.copyWithin(place * data.length, index * data.length, (index + 1) * data.length);
    const kept = good.length < total ? pixels.slice(0, good.length * data.length) : pixels;
    return new StoredImages(listing.name, shape, kept, labels, survey.storedSizes());
  } catch (error) {
    listing.close();
    throw error;
  }
}

async function openLazily(
  listing: ImageListing,
  options: ResolvedOptions,
  read: ReadImage,
  shape: readonly [number, number, number],
): Promise<SampleSource> {
  let kept = listing;
  if (options.skipBroken) kept = keep(listing, (await decodeAll(listing, options, read, () => {})).good);
  options.findings.captions = kept.captions;
  return new LazyImages(kept, shape, read, options.cacheBytes);
}
