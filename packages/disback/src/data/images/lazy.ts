import { startFingerprint } from "../labels.js";
import type { SampleArrays, SampleSource, SizeCount } from "../samples.js";
import { concurrently } from "./concurrently.js";
import { storeChannelsFirst } from "./layout.js";
import type { ImageListing } from "./listing.js";
import type { ReadImage } from "./read-image.js";
import { scaleBytes } from "./stored.js";
import { ImageSurvey } from "./survey.js";

/**
 * Images decoded when they are asked for. The first ones decoded stay in memory until the cache is full; they are
 * not replaced, since with shuffled epochs every image is equally likely to come next.
 */
export class LazyImages implements SampleSource {
  readonly name: string;
  readonly length: number;
  readonly labelDim: number;
  readonly classNames: readonly string[] | undefined;
  readonly classes: ArrayLike<number> | undefined;
  readonly classCounts: readonly number[] | undefined;
  private readonly cached = new Map<number, Uint8Array>();
  private readonly imageBytes: number;

  /**
   * @param sampleShape `[C, H, W]`
   * @param readImage decodes one entry, checked to have that shape
   * @param cacheBytes how many decoded bytes may be kept
   */
  constructor(
    private readonly listing: ImageListing,
    readonly sampleShape: readonly [number, number, number],
    private readonly readImage: ReadImage,
    private readonly cacheBytes: number,
  ) {
    this.name = listing.name;
    this.length = listing.entries.length;
    this.labelDim = listing.labels?.dim ?? 0;
    this.classNames = listing.labels?.classNames;
    this.classes = listing.labels?.classes;
    this.classCounts = listing.labels?.counts();
    this.imageBytes = sampleShape[0] * sampleShape[1] * sampleShape[2];
  }

  async read(indices: ArrayLike<number>): Promise<SampleArrays> {
    const samples = new Float32Array(indices.length * this.imageBytes);
    await concurrently(indices.length, async (row) => {
      scaleBytes(await this.pixels(indices[row]!), samples, row * this.imageBytes);
    });
    const labels = this.listing.labels;
    return labels ? { samples, labels: labels.oneHot(indices) } : { samples };
  }

  /** Decodes every image once. */
  async storedSizes(): Promise<readonly SizeCount[]> {
    const survey = new ImageSurvey();
    const { entries } = this.listing;
    await concurrently(entries.length, async (index) => survey.add(await this.readImage(entries[index]!)));
    return survey.storedSizes();
  }

  /** Hashes the stored files, which is cheaper than decoding them and just as specific. */
  async fingerprint(): Promise<string> {
    const hash = startFingerprint(this.sampleShape, this.length, this.listing.labels);
    for (const entry of this.listing.entries) hash.update(await entry.read());
    return hash.digest("hex");
  }

  private async pixels(index: number): Promise<Uint8Array> {
    const known = this.cached.get(index);
    if (known) return known;
    const image = await this.readImage(this.listing.entries[index]!);
    const pixels = new Uint8Array(this.imageBytes);
    storeChannelsFirst(pixels, 0, image.data, this.sampleShape[0]);
    if ((this.cached.size + 1) * this.imageBytes <= this.cacheBytes) this.cached.set(index, pixels);
    return pixels;
  }
}
