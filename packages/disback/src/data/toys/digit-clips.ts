import { createHash } from "node:crypto";
import { DisbackError } from "../../errors.js";
import { Labels } from "../labels.js";
import { RandomStream } from "../random.js";
import type { SampleArrays, SampleSource } from "../samples.js";
import { directionCount, type Motion, MovingDigits } from "./moving-digits.js";
import { splitStream } from "./points.js";

/** Clips of moving digits, drawn when they are read: the same for the same request and split, on every machine. */
export class DigitClips implements SampleSource {
  readonly length: number;
  readonly sampleShape: readonly number[];
  readonly labelDim: number;
  readonly classNames: readonly string[] | undefined;
  readonly classes: ArrayLike<number> | undefined;
  readonly classCounts: readonly number[] | undefined;
  readonly digits: MovingDigits;
  private readonly labels: Labels | undefined;
  private readonly seed: number;
  private readonly stream: number;

  /**
   * @param split "train" (default), or "test" for a second, independent set
   * @param withLabels whether the digit becomes the label; with `directions=1`, together with where it goes
   */
  constructor(
    readonly name: string,
    { frames, size, count, seed, directions }: Readonly<Record<string, number>>,
    split: string | undefined,
    withLabels: boolean,
  ) {
    this.digits = new MovingDigits(frames!, size!);
    this.length = count!;
    this.seed = seed!;
    this.stream = splitStream(name, split);
    this.sampleShape = [1, frames!, size!, size!];
    this.labels = withLabels ? this.labelsOf(directions === 1) : undefined;
    this.labelDim = this.labels?.dim ?? 0;
    this.classNames = this.labels?.classNames;
    this.classes = this.labels?.classes;
    this.classCounts = this.labels?.counts();
  }

  private labelsOf(withDirection: boolean): Labels {
    const kinds = withDirection ? directionCount : 1;
    const classes = Int32Array.from({ length: this.length }, (_, index) => {
      const { digit, direction } = this.motion(index);
      return digit * kinds + (withDirection ? direction : 0);
    });
    const names = Array.from({ length: this.digits.classes * kinds }, (_, place) => {
      const digit = `${Math.floor(place / kinds)}`;
      return withDirection ? `${digit}, direction ${place % kinds}` : digit;
    });
    return Labels.fromClasses(classes, this.name, names);
  }

  /** What a clip shows. */
  motion(index: number): Motion {
    return this.digits.draw(new RandomStream(this.seed, 2 * index + this.stream));
  }

  async read(indices: ArrayLike<number>): Promise<SampleArrays> {
    const numbers = this.digits.frames * this.digits.size ** 2;
    const samples = new Float32Array(indices.length * numbers);
    for (let row = 0; row < indices.length; row++)
      this.digits.render(this.motion(indices[row]!), samples.subarray(row * numbers, (row + 1) * numbers));
    return this.labels ? { samples, labels: this.labels.oneHot(indices) } : { samples };
  }

  async fingerprint(): Promise<string> {
    const { sampleShape, length, seed, stream, labelDim } = this;
    const request = ["moving-digits 2", sampleShape.join(), length, seed, stream, labelDim];
    return createHash("sha256").update(request.join(" ")).digest("hex");
  }

  /** @throws DisbackError if clips of another form are wanted */
  requireForm(wanted: {
    resolution?: number | undefined;
    channels?: number | undefined;
    frames?: number | undefined;
  }): void {
    const [channels, frames, size] = this.sampleShape;
    const own = { frames, resolution: size, channels };
    for (const [name, value] of Object.entries(wanted))
      if (value !== undefined && value !== own[name as keyof typeof own])
        throw new DisbackError(
          `${this.name} gives ${frames} frames of ${size} x ${size} in grey, not ${name} ${value}: change its frames and size`,
        );
  }
}
