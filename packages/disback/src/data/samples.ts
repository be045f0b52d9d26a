import type { LeftOut } from "./left-out.js";

/** A batch as plain arrays, before it becomes tensors. */
export interface SampleArrays {
  /** `[N, ...sampleShape]`, row-major; images as NCHW in [-1, 1] (`u / 127.5 - 1` of their bytes) */
  samples: Float32Array;
  /** `[N, labelDim]`: one-hot rows, or the soft labels a dataset stores; absent when `labelDim` is 0 */
  labels?: Float32Array;
}

/** How many images are stored in a size. */
export interface SizeCount {
  width: number;
  height: number;
  count: number;
}

/** Anything that holds samples by number: stored images, images decoded on demand, points. */
export interface SampleSource {
  /** for people: file name, split and resolution */
  readonly name: string;
  /** shape of one sample: `[C, H, W]` for images, `[D]` for points */
  readonly sampleShape: readonly number[];
  readonly length: number;
  /** length of a label row; 0 when there are no labels */
  readonly labelDim: number;
  /** names of the classes where the data tells them (folder names, CIFAR's list) */
  readonly classNames?: readonly string[] | undefined;
  /** the class of each sample; absent without labels, and for soft ones */
  readonly classes?: ArrayLike<number> | undefined;
  /** samples of each class; absent without labels, and for soft ones */
  readonly classCounts?: readonly number[] | undefined;
  /** files, folders, columns and labels that are not used; `describeLeftOut` makes a line of it */
  readonly leftOut?: readonly LeftOut[];
  /** lines for people: what is done to the samples, what may be wrong with them */
  readonly notes?: readonly string[];
  /** one caption per sample ("" where it has none), where the data has them */
  readonly captions?: readonly string[] | undefined;
  /**
   * Reads samples by number, each in `0 … length-1`, repeats allowed.
   * @throws DisbackError naming the file if an image turns out to be broken
   */
  read(indices: ArrayLike<number>): Promise<SampleArrays>;
  /** Hex SHA-256 of what the dataset holds, so that figures computed from it can be cached. */
  fingerprint(): Promise<string>;
  /** The sizes images are stored in, before they are cut and resized, the most frequent first; absent for points. */
  storedSizes?(): Promise<readonly SizeCount[]>;
}
