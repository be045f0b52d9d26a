import { DisbackError } from "../../errors.js";
import type { ResolvedOptions } from "../options.js";
import type { SampleSource } from "../samples.js";
import { concurrently } from "./concurrently.js";
import { BrokenImageError, decodeImage, type ImageForm, imageExtensions, storedChannels } from "./decode.js";
import { storeChannelsFirst } from "./layout.js";
import { LazyImages } from "./lazy.js";
import type { ImageEntry, ImageListing } from "./listing.js";
import type { PixelImage } from "./resize.js";
import { StoredImages } from "./stored.js";

/** Decodes one entry and checks its size against the dataset's. */
export type ReadImage = (entry: ImageEntry) => Promise<PixelImage>;

interface FirstImage {
  entry: ImageEntry;
  image: PixelImage;
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
  const what = listing.entries.length
    ? "every image in it is broken"
    : `no images in it (${imageExtensions})`;
  throw new DisbackError(`${listing.name}: ${what}`);
}

function checkedReader({ entry: first, image, form }: FirstImage): ReadImage {
  const { width, height } = image;
  if (width !== height)
    throw new DisbackError(
      `${first.name} is ${width} x ${height}, but images must be square: choose a resolution to crop and resize them`,
    );
  return async (entry) => {
    const decoded = await decodeImage(await entry.read(), entry.name, form);
    if (decoded.width !== width || decoded.height !== height)
      throw new DisbackError(
        `${entry.name} is ${decoded.width} x ${decoded.height}, but ${first.name} is ${width} x ${height}: choose a resolution to resize them`,
      );
    return decoded;
  };
}

/** Decodes every entry, handing the good ones to `take`; returns which those are, in order. */
async function decodeAll(
  listing: ImageListing,
  options: ResolvedOptions,
  read: ReadImage,
  take: (index: number, image: PixelImage) => void,
): Promise<number[]> {
  const total = listing.entries.length;
  const good = new Uint8Array(total);
  let done = 0;
  await concurrently(total, async (index) => {
    try {
      take(index, await read(listing.entries[index]!));
      good[index] = 1;
    } catch (error) {
      if (!options.skipBroken || !(error instanceof BrokenImageError)) throw error;
      options.onWarning?.(`left out: ${error.message}`);
    }
    options.onProgress?.(++done, total);
  });
  return [...good.keys()].filter((index) => good[index]);
}

/**
 * Makes a dataset of a listing. What fits into `cacheBytes` is decoded now and kept as bytes, so that a broken
 * file shows at once; a larger set is decoded as it is asked for. With `skipBroken` every file is tried now in
 * either case, because the number of samples must be known.
 * @throws DisbackError if there are no images, one is broken, or sizes differ and no resolution is given
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
    const good = await decodeAll(listing, options, read, (index, image) =>
      storeChannelsFirst(pixels, index, image.data, channels),
    );
    listing.close();
    if (good.length === total) return new StoredImages(listing.name, shape, pixels, listing.labels);
    for (const [place, index] of good.entries())
      pixels.copyWithin(place * data.length, index * data.length, (index + 1) * data.length);
    const kept = pixels.slice(0, good.length * data.length);
    return new StoredImages(listing.name, shape, kept, listing.labels?.select(good));
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
  if (!options.skipBroken) return new LazyImages(listing, shape, read, options.cacheBytes);
  const good = await decodeAll(listing, options, read, () => {});
  const entries = good.map((index) => listing.entries[index]!);
  return new LazyImages(
    { ...listing, entries, labels: listing.labels?.select(good) },
    shape,
    read,
    options.cacheBytes,
  );
}
