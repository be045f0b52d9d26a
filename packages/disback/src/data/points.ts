import { DisbackError } from "../errors.js";
import { type Labels, startFingerprint } from "./labels.js";
import type { SampleArrays, SampleSource } from "./samples.js";

/** Points, or other arrays of numbers, kept in memory and given as they are (no scaling). */
export class Points implements SampleSource {
  readonly length: number;
  readonly labelDim: number;
  readonly classNames: readonly string[] | undefined;
  readonly classes: ArrayLike<number> | undefined;
  readonly classCounts: readonly number[] | undefined;
  private readonly size: number;

  /** @param coordinates `[length, ...sampleShape]` */
  constructor(
    readonly name: string,
    private readonly coordinates: Float32Array,
    readonly sampleShape: readonly number[],
    private readonly labels: Labels | undefined,
  ) {
    if (coordinates.length === 0) throw new DisbackError(`${name}: there are no points in it`);
    this.size = sampleShape.reduce((product, size) => product * size, 1);
    this.length = coordinates.length / this.size;
    this.labelDim = labels?.dim ?? 0;
    this.classNames = labels?.classNames;
    this.classes = labels?.classes;
    this.classCounts = labels?.counts();
  }

  async read(indices: ArrayLike<number>): Promise<SampleArrays> {
    const samples = new Float32Array(indices.length * this.size);
    for (let row = 0; row < indices.length; row++) {
      const start = indices[row]! * this.size;
      samples.set(this.coordinates.subarray(start, start + this.size), row * this.size);
    }
    return this.labels ? { samples, labels: this.labels.oneHot(indices) } : { samples };
  }

  async fingerprint(): Promise<string> {
    const { buffer, byteOffset, byteLength } = this.coordinates;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    return startFingerprint(this.sampleShape, this.length, this.labels).update(bytes).digest("hex");
  }
}
