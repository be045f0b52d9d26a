import { fromTypedArray, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { TextSource } from "./formats/text.js";
import type { LeftOut } from "./left-out.js";
import { openSamples } from "./open-samples.js";
import type { OpenOptions } from "./options.js";
import type { SampleArrays, SampleSource, SizeCount } from "./samples.js";
import { DigitClips } from "./toys/digit-clips.js";
import type { MixtureModes, ToyDistribution } from "./toys/distribution.js";
import type { MovingDigits } from "./toys/moving-digits.js";
import { ToyPoints } from "./toys/points.js";

/** Samples and their labels, as tensors on the CPU. */
export interface Batch {
  /** `[N, ...sampleShape]` float32; images as NCHW in [-1, 1], points unscaled */
  samples: Tensor;
  /** `[N, labelDim]` float32: one-hot rows, or the soft labels of the data; absent without labels */
  labels?: Tensor;
}

/** Samples by number, as arrays (`read`) or tensors (`batch`). */
export interface Dataset extends SampleSource {
  /** the distribution points were drawn from, for toy data: its density, its modes, the axes to draw it on */
  readonly distribution?: ToyDistribution | undefined;
  /** the modes of that distribution, where it is a mixture of Gaussians (for mode coverage) */
  readonly modes?: MixtureModes | undefined;
  /** what clips of moving digits look like (for errors of motion) */
  readonly digits?: MovingDigits | undefined;
  /** the text itself and what reads it, where samples are tokens */
  readonly text?: TextSource | undefined;
  /**
   * @param indices each in `0 … length-1`; repeats allowed
   * @throws DisbackError if an index is out of range, or naming a broken image file
   */
  batch(indices: ArrayLike<number>): Promise<Batch>;
}

/** Makes tensors of arrays, in the current tensor scope. */
export function toBatch(arrays: SampleArrays, source: SampleSource): Batch {
  const count = arrays.samples.length / source.sampleShape.reduce((product, size) => product * size, 1);
  const samples = fromTypedArray(arrays.samples, [count, ...source.sampleShape]);
  if (!arrays.labels) return { samples };
  return { samples, labels: fromTypedArray(arrays.labels, [count, source.labelDim]) };
}

/** Adds tensors to a source of arrays. */
export class TensorDataset implements Dataset {
  readonly name: string;
  readonly sampleShape: readonly number[];
  readonly length: number;
  readonly labelDim: number;
  readonly classNames: readonly string[] | undefined;
  readonly classes: ArrayLike<number> | undefined;
  readonly classCounts: readonly number[] | undefined;
  readonly leftOut: readonly LeftOut[];
  readonly notes: readonly string[];
  readonly captions: readonly string[] | undefined;
  readonly distribution: ToyDistribution | undefined;
  readonly modes: MixtureModes | undefined;
  readonly digits: MovingDigits | undefined;
  readonly text: TextSource | undefined;

  constructor(private readonly source: SampleSource) {
    this.name = source.name;
    this.sampleShape = source.sampleShape;
    this.length = source.length;
    this.labelDim = source.labelDim;
    this.classNames = source.classNames;
    this.classes = source.classes;
    this.classCounts = source.classCounts;
    this.leftOut = source.leftOut ?? [];
    this.notes = source.notes ?? [];
    this.captions = source.captions;
    this.distribution = source instanceof ToyPoints ? source.distribution : undefined;
    this.modes = this.distribution?.modes;
    this.digits = source instanceof DigitClips ? source.digits : undefined;
    this.text = source instanceof TextSource ? source : undefined;
  }

  async read(indices: ArrayLike<number>): Promise<SampleArrays> {
    for (let row = 0; row < indices.length; row++) {
      const index = indices[row]!;
      if (!(Number.isInteger(index) && index >= 0 && index < this.length))
        throw new DisbackError(`${this.name}: there is no sample ${index} (0 to ${this.length - 1})`);
    }
    return this.source.read(indices);
  }

  async batch(indices: ArrayLike<number>): Promise<Batch> {
    return toBatch(await this.read(indices), this);
  }

  fingerprint(): Promise<string> {
    return this.source.fingerprint();
  }

  async storedSizes(): Promise<readonly SizeCount[]> {
    return (await this.source.storedSizes?.()) ?? [];
  }
}

/**
 * Opens a dataset. Its format is detected from its contents.
 *
 * | source | labels | splits |
 * |---|---|---|
 * | folder, zip, tar or tar.gz of images; WebDataset's tars or a folder of them | `dataset.json` (EDM), `metadata.jsonl` or `metadata.csv` (Hugging Face), `.cls` or `.json` beside the images, else the first folder below the split (torchvision) | folders `train`, `test`, `val`, … |
 * | Parquet of Hugging Face: a file or a folder of them | `label` or a column of such a name | by the files' names |
 * | IDX file of images, gzipped or not; a folder with the MNIST family's files | the label file beside it | train, test |
 * | CIFAR-10/100, binary or Python version: a file, a folder, a tar.gz | in them (CIFAR-100: fine) | train, test |
 * | `.npz`, `.npy` of images or points | `labels`, `arr_1`, `y`, …; a file of labels beside it | `x_train`, `train_images`, … |
 * | a `.txt` file, a folder of them: windows of tokens, see `openText` | none | |
 * | `toy:ring`, `toy:grid`, `toy:moons`, `toy:checkerboard`, `toy:spiral`, with `?name=value&…` | component | train, test |
 * | `toy:moving-digits`: clips `[1, T, H, W]` | digit | train, test |
 * | with `frames`, a folder of animated GIFs or WebPs: clips `[C, T, H, W]` | first folder | folders |
 *
 * Images are cropped to their centre square and resampled by Lanczos, as EDM's data preparation does; only IDX files of
 * 28 x 28 get a margin at 32 (and its 2 x 2 averages at 16), as is usual for MNIST. `leftOut` lists what is not used,
 * `notes` what is done to the samples; `onWarning` gets both.
 *
 * @throws DisbackError with one line naming the file and what to do: missing, empty, damaged or cut short; an image
 * that is none (unless `skipBroken`); sizes that differ without `resolution`; labels that do not match; archives with
 * names that climb out of them, or that unpack to more than `limits`
 */
export async function openDataset(source: string, options: OpenOptions = {}): Promise<TensorDataset> {
  return new TensorDataset(await openSamples(source, options));
}
