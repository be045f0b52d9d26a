import { DisbackError } from "../errors.js";
import { type Labels, startFingerprint } from "./labels.js";
import type { SampleArrays, SampleSource } from "./samples.js";

/** Points of a few dimensions, kept in memory, without scaling. */
export class Points implements SampleSource {
  readonly length: number;
  readonly labelDim: number;
  readonly sampleShape: readonly number[];
  readonly classNames: readonly string[] | undefined;
  readonly classes: ArrayLike<number> | undefined;
  readonly classCounts: readonly number[] | undefined;

  /** @param coordinates `[length, dimension]` */
  constructor(
    readonly name: string,
    private readonly coordinates: Float32Array,
    private readonly dimension: number,
    private readonly labels: Labels | undefined,
  ) {
    if (coordinates.length === 0) throw new DisbackError(`${name}: there are no points in it`);
    this.length = coordinates.length / dimension;
    this.labelDim = labels?.dim ?? 0;
    this.sampleShape = [dimension];
    this.classNames = labels?.classNames;
    this.classes = labels?.classes;
    this.classCounts = labels?.counts();
  }

  async read(indices: ArrayLike<number>): Promise<SampleArrays> {
    const samples = new Float32Array(indices.length * this.dimension);
    for (let row = 0; row < indices.length; row++) {
      const start = indices[row]! * this.dimension;
      samples.set(this.coordinates.subarray(start, start + this.dimension), row * this.dimension);
    }
    return this.labels ? { samples, labels: this.labels.oneHot(indices) } : { samples };
  }

  async fingerprint(): Promise<string> {
    const { buffer, byteOffset, byteLength } = this.coordinates;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    return startFingerprint(this.sampleShape, this.length, this.labels).update(bytes).digest("hex");
  }
}
