import { createHash, type Hash } from "node:crypto";
import { DisbackError } from "../errors.js";

/** Numbers above this are not taken for class numbers. */
const maximumClasses = 65536;

/** A label as files write it: a class number or name, or a row of numbers. */
export type LabelValue = number | string | readonly number[];

/** The labels of a dataset: class numbers, shown one-hot, or a row of numbers per sample (soft labels). */
export class Labels {
  private constructor(
    readonly length: number,
    readonly dim: number,
    /** the class of each sample; undefined for soft labels */
    readonly classes: Int32Array | undefined,
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

  /**
   * Rows of numbers. One-hot rows are classes; one whole number per row is a class number (`[N, 1]`, as MedMNIST and
   * scikit-learn write it).
   * @param rows `[length, dim]`
   */
  static fromRows(rows: Float32Array, dim: number, where: string, names?: readonly string[]): Labels {
    const bad = rows.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw new DisbackError(`${where}: the label of sample ${Math.floor(bad / dim)} is not finite`);
    const length = rows.length / dim;
    if (dim === 1 && rows.every(Number.isInteger)) return Labels.fromClasses(rows, where, names);
    const classes = oneHotClasses(rows, dim);
    const known = names?.length === dim ? names : undefined;
    return new Labels(length, dim, classes, classes ? undefined : rows, known);
  }

  /**
   * Labels from a list in a file: all numbers, all names, or all rows of one length. Names become classes in sorted
   * order, unless `names` gives the order; whole numbers written as text are numbers.
   * @param names of all classes, where the file tells them
   * @param sample names a sample in an error
   * @throws DisbackError naming the sample whose label has another kind than the first
   */
  static fromValues(
    values: readonly LabelValue[],
    where: string,
    sample: (index: number) => string = (index) => `sample ${index}`,
    names?: readonly string[],
  ): Labels {
    const kindOf = (value: LabelValue): string =>
      Array.isArray(value) ? String(value.length) : typeof value;
    const first = kindOf(values[0]!);
    const odd = values.findIndex((value) => kindOf(value) !== first);
    if (odd >= 0)
      throw new DisbackError(
        `${where}: the label of ${sample(odd)} has another shape than that of ${sample(0)}`,
      );
    if (first === "number") return Labels.fromClasses(values as number[], where, names);
    if (first !== "string")
      return Labels.fromRows(Float32Array.from(values.flat() as number[]), Number(first), where, names);
    const texts = values as string[];
    if (!names && texts.every((text) => /^\d+$/.test(text)))
      return Labels.fromClasses(texts.map(Number), where);
    const list = names ?? [...new Set(texts)].sort();
    const number = new Map(list.map((name, index) => [name, index]));
    const unknown = texts.findIndex((text) => !number.has(text));
    if (unknown >= 0)
      throw new DisbackError(
        `${where}: the label "${texts[unknown]}" of ${sample(unknown)} is not one of the ${list.length} classes`,
      );
    return Labels.fromClasses(
      texts.map((text) => number.get(text)!),
      where,
      list,
    );
  }

  /** The labels of some samples, in that order. */
  select(indices: ArrayLike<number>): Labels {
    const classes = this.classes && Int32Array.from(indices, (index) => this.classes![index]!);
    const rows = this.rows && this.oneHot(indices);
    return new Labels(indices.length, this.dim, classes, rows, this.classNames);
  }

  /** Samples of each class; undefined for soft labels. */
  counts(): number[] | undefined {
    if (!this.classes) return undefined;
    const counts = new Array<number>(this.dim).fill(0);
    for (const label of this.classes) counts[label]!++;
    return counts;
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

/** The class numbers of rows that hold a single 1 and zeros; undefined if some do not. */
function oneHotClasses(rows: Float32Array, dim: number): Int32Array | undefined {
  const classes = new Int32Array(rows.length / dim).fill(-1);
  for (let index = 0; index < rows.length; index++) {
    if (rows[index] === 0) continue;
    const row = Math.floor(index / dim);
    if (rows[index] !== 1 || classes[row] !== -1) return undefined;
    classes[row] = index % dim;
  }
  return classes.includes(-1) ? undefined : classes;
}

/** Starts a dataset's fingerprint with its shape and labels. */
export function startFingerprint(shape: readonly number[], length: number, labels: Labels | undefined): Hash {
  const hash = createHash("sha256").update(`${length} x ${shape.join(" x ")}`);
  labels?.addTo(hash);
  return hash;
}
