import { createHash } from "node:crypto";
import { fromTypedArray, scope, stack, type Tensor } from "@disback/torch";
import type { EncodedFiles } from "./encoded-files.js";
import type { LeftOut } from "./left-out.js";
import type { SampleArrays, SampleSource } from "./samples.js";

/** Encodes samples of a dataset for training. */
export interface SampleEncoding {
  /** a unique name, also for messages */
  name: string;
  /** shape of one encoded sample */
  sampleShape: readonly number[];
  /** @param samples `[N, ...]` in the shape of the dataset's */
  encode(samples: Tensor): Tensor;
}

/**
 * A dataset seen through an encoding. Samples are encoded when they are asked for; the first ones stay in memory until
 * the cache is full, and are not replaced, since with shuffled epochs every sample is equally likely to come next.
 */
export class EncodedSamples implements SampleSource {
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
  /** How many samples were encoded, not found. */
  encoded = 0;
  private readonly cached = new Map<number, EncodedRow>();
  private readonly size: number;

  private readonly cacheBytes: number;
  private readonly files: EncodedFiles | undefined;

  /**
   * @param options.cacheBytes how many bytes of encoded samples may be kept in memory, default 2 GiB
   * @param options.files where they are kept on disk; default nowhere
   */
  constructor(
    private readonly source: SampleSource,
    private readonly encoding: SampleEncoding,
    { cacheBytes = 2 * 2 ** 30, files }: { cacheBytes?: number; files?: EncodedFiles } = {},
  ) {
    this.cacheBytes = cacheBytes;
    this.files = files;
    this.name = `${source.name} encoded by ${encoding.name}`;
    this.sampleShape = encoding.sampleShape;
    this.length = source.length;
    this.labelDim = source.labelDim;
    this.classNames = source.classNames;
    this.classes = source.classes;
    this.classCounts = source.classCounts;
    this.leftOut = source.leftOut ?? [];
    this.notes = source.notes ?? [];
    this.captions = source.captions;
    this.size = encoding.sampleShape.reduce((product, size) => product * size, 1);
  }

  async read(indices: ArrayLike<number>): Promise<SampleArrays> {
    const wanted = Array.from(indices);
    const fresh = await this.encodeRows([...new Set(wanted)].filter((index) => !this.cached.has(index)));
    const samples = new Float32Array(wanted.length * this.size);
    const labels = new Float32Array(wanted.length * this.labelDim);
    for (const [row, index] of wanted.entries()) {
      const { sample, label } = this.cached.get(index) ?? fresh.get(index)!;
      samples.set(sample, row * this.size);
      if (label) labels.set(label, row * this.labelDim);
    }
    for (const [index, row] of fresh) {
      if ((this.cached.size + 1) * this.size * Float32Array.BYTES_PER_ELEMENT > this.cacheBytes) break;
      this.cached.set(index, row);
    }
    return this.labelDim > 0 ? { samples, labels } : { samples };
  }

  async fingerprint(): Promise<string> {
    return createHash("sha256")
      .update(await this.source.fingerprint())
      .update(this.encoding.name)
      .digest("hex");
  }

  private async encodeRows(indices: number[]): Promise<Map<number, EncodedRow>> {
    if (indices.length === 0) return new Map();
    const { samples, labels } = await this.source.read(indices);
    const rows = indices.map((_, row) => rowOf(samples, row, samples.length / indices.length));
    const known = rows.map((sample) => this.files?.read(sample, this.size));
    const missing = rows.filter((_, row) => !known[row]);
    const encoded = this.encode(missing);
    const made = encoded.values();
    return new Map(
      indices.map((index, row) => [
        index,
        {
          sample: known[row] ?? made.next().value!,
          ...(labels ? { label: labels.slice(row * this.labelDim, (row + 1) * this.labelDim) } : {}),
        },
      ]),
    );
  }

  /** Encodes samples, and writes them to disk. */
  private encode(samples: readonly Float32Array[]): Float32Array[] {
    if (samples.length === 0) return [];
    this.encoded += samples.length;
    const all = scope(() => {
      const inputs = samples.map((sample) => fromTypedArray(sample, this.source.sampleShape as number[]));
      return this.encoding.encode(stack(inputs)).cpu().data() as Float32Array;
    });
    const encoded = samples.map((_, row) => rowOf(all, row, this.size));
    for (const [row, sample] of samples.entries()) this.files?.write(sample, encoded[row]!);
    return encoded;
  }
}

/** A copy of a row. */
function rowOf(values: Float32Array, row: number, size: number): Float32Array {
  return values.slice(row * size, (row + 1) * size);
}

interface EncodedRow {
  sample: Float32Array;
  label?: Float32Array;
}
