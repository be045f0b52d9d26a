import { createHash, type Hash } from "node:crypto";
import { DisbackError } from "../errors.js";

/** More classes than this is taken for something that is no class number. */
const maximumClasses = 65536;

/** The labels of a dataset: class numbers, shown one-hot, or a row of numbers per sample (soft labels). */
export class Labels {
  private constructor(
    readonly length: number,
    readonly dim: number,
    private readonly classes: Int32Array | undefined,
    private readonly rows: Float32Array | undefined,
    readonly classNames: readonly string[] | undefined,
  ) {}

  /**
   * @param classes one class number per sample
   * @param where the file they come from, for the error's text
   * @param names names of all classes; without them there are `max + 1` classes
   */
  static fromClasses(classes: ArrayLike<number>, where: string, names?: readonly string[]): Labels {
    let dim = names?.length ?? 0;
    for (let index = 0; index < classes.length; index++) {
      const label = classes[index]!;
      if (!Number.isInteger(label) || label < 0 || label >= maximumClasses)
        throw new DisbackError(
          `${where}: label ${label} of sample ${index} is not a class number (0 to ${maximumClasses - 1})`,
        );
      if (names && label >= names.length)
        throw new DisbackError(
          `${where}: label ${label} of sample ${index}, but there are ${names.length} classes`,
        );
      dim = Math.max(dim, label + 1);
    }
    return new Labels(classes.length, dim, Int32Array.from(classes), undefined, names);
  }

  /** @param rows `[length, dim]`, used as they are */
  static fromRows(rows: Float32Array, dim: number, where: string): Labels {
    const bad = rows.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw new DisbackError(`${where}: the label of sample ${Math.floor(bad / dim)} is not finite`);
    return new Labels(rows.length / dim, dim, undefined, rows, undefined);
  }

  /** The labels of some samples, in that order. */
  select(indices: ArrayLike<number>): Labels {
    const classes = this.classes && Int32Array.from(indices, (index) => this.classes![index]!);
    const rows = this.rows && this.oneHot(indices);
    return new Labels(indices.length, this.dim, classes, rows, this.classNames);
  }

  /** `[N, dim]`, one row per index. */
  oneHot(indices: ArrayLike<number>): Float32Array {
    const result = new Float32Array(indices.length * this.dim);
    for (let row = 0; row < indices.length; row++) {
      const index = indices[row]!;
      if (this.classes) result[row * this.dim + this.classes[index]!] = 1;
      else result.set(this.rows!.subarray(index * this.dim, (index + 1) * this.dim), row * this.dim);
    }
    return result;
  }

  /** Feeds the labels to a hash (see `SampleSource.fingerprint`). */
  addTo(hash: Hash): void {
    hash.update(`labels ${this.dim} ${this.classes ? "classes" : "rows"}`);
    const values = (this.classes ?? this.rows)!;
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
}

/** Starts a dataset's fingerprint with its shape and labels. */
export function startFingerprint(shape: readonly number[], length: number, labels: Labels | undefined): Hash {
  const hash = createHash("sha256").update(`${length} x ${shape.join(" x ")}`);
  labels?.addTo(hash);
  return hash;
}
