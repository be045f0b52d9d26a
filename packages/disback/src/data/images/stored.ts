import type { Labels } from "../labels.js";
import { startFingerprint } from "../labels.js";
import type { SampleArrays, SampleSource, SizeCount } from "../samples.js";

/** `u / 127.5 - 1` of every byte: [0, 255] to [-1, 1]. */
const scaled = Float32Array.from({ length: 256 }, (_, byte) => byte / 127.5 - 1);

/** Scales bytes to [-1, 1] into `target` from `offset`. */
export function scaleBytes(pixels: Uint8Array, target: Float32Array, offset: number): void {
  for (let index = 0; index < pixels.length; index++) target[offset + index] = scaled[pixels[index]!]!;
}

/** Images or clips kept in memory, one byte per pixel and channel. */
export class StoredImages implements SampleSource {
  readonly length: number;
  readonly labelDim: number;
  readonly classNames: readonly string[] | undefined;
  readonly classes: ArrayLike<number> | undefined;
  readonly classCounts: readonly number[] | undefined;

  /**
   * @param pixels bytes `[length, ...sampleShape]`
   * @param sampleShape `[C, H, W]`, or `[C, T, H, W]` of clips
   * @param sizes those the images had before
   */
  constructor(
    readonly name: string,
    readonly sampleShape: readonly number[],
    private readonly pixels: Uint8Array,
    private readonly labels: Labels | undefined,
    private readonly sizes: readonly SizeCount[],
  ) {
    this.length = pixels.length / sampleShape.reduce((product, size) => product * size, 1);
    this.labelDim = labels?.dim ?? 0;
    this.classNames = labels?.classNames;
    this.classes = labels?.classes;
    this.classCounts = labels?.counts();
  }

  async read(indices: ArrayLike<number>): Promise<SampleArrays> {
    const size = this.pixels.length / this.length;
    const samples = new Float32Array(indices.length * size);
    for (let row = 0; row < indices.length; row++) {
      const start = indices[row]! * size;
      scaleBytes(this.pixels.subarray(start, start + size), samples, row * size);
    }
    return this.labels ? { samples, labels: this.labels.oneHot(indices) } : { samples };
  }

  async fingerprint(): Promise<string> {
    return startFingerprint(this.sampleShape, this.length, this.labels).update(this.pixels).digest("hex");
  }

  async storedSizes(): Promise<readonly SizeCount[]> {
    return this.sizes;
  }
}
