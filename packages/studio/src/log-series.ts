import { stageNames } from "./pages/index.js";
import type { LogLine, Stage } from "./wire.js";

/** Fields of a line's position, as opposed to figures. */
const PLACES = new Set([
  "stage",
  "iteration",
  "iterations",
  "images",
  "seconds",
  "stepSeconds",
  "processorSeconds",
  "secondsLeft",
]);

/**
 * The lines of a log as columns of numbers: a tenth of the memory of objects, and quick to thin out.
 *
 * A resumed run repeats some iterations: a line of an existing iteration replaces that one and all after it.
 */
export class LogSeries {
  private count = 0;
  private stage = new Uint8Array(256);
  private iteration = new Float64Array(256);
  private images = new Float64Array(256);
  private seconds = new Float64Array(256);
  private readonly figures = new Map<string, Float32Array>();
  private newest: LogLine | undefined;
  /** Increases whenever earlier lines are dropped. */
  epoch = 0;

  get lines(): number {
    return this.count;
  }

  get last(): LogLine | undefined {
    return this.newest;
  }

  get names(): string[] {
    return [...this.figures.keys()];
  }

  /** Adds a line; unknown lines are ignored. */
  add(line: LogLine): void {
    const stage = stageNames.indexOf(line.stage);
    if (stage < 0 || typeof line.iteration !== "number") return;
    while (this.count > 0 && !this.isAfter(stage, line.iteration, this.count - 1)) {
      this.count--;
      this.epoch++;
    }
    if (this.count === this.stage.length) this.grow();
    const row = this.count++;
    this.stage[row] = stage;
    this.iteration[row] = line.iteration;
    this.images[row] = numberOr(line.images, 0);
    this.seconds[row] = numberOr(line.seconds, 0);
    for (const column of this.figures.values()) column[row] = Number.NaN;
    for (const [name, value] of Object.entries(line)) {
      if (typeof value !== "number" || PLACES.has(name)) continue;
      this.column(name)[row] = value;
    }
    this.newest = line;
  }

  clear(): void {
    this.count = 0;
    this.epoch++;
    this.figures.clear();
    this.newest = undefined;
  }

  stageOf(row: number): Stage {
    return stageNames[this.stage[row]!]!;
  }

  /** Iterations, images or seconds of a row, counted in its stage (seconds: in the run). */
  place(row: number, axis: "iteration" | "images" | "seconds"): number {
    return this[axis][row]!;
  }

  /** Largest iteration and images of a stage. */
  endOf(stage: Stage): { iteration: number; images: number } | undefined {
    const code = stageNames.indexOf(stage);
    for (let row = this.count - 1; row >= 0; row--) {
      if (this.stage[row] === code) return { iteration: this.iteration[row]!, images: this.images[row]! };
      if (this.stage[row]! < code) return undefined;
    }
    return undefined;
  }

  /** A figure's values by row, NaN if missing. May be longer than `lines`. */
  figure(name: string): Float32Array {
    return this.figures.get(name) ?? new Float32Array(0);
  }

  private isAfter(stage: number, iteration: number, row: number): boolean {
    return stage > this.stage[row]! || (stage === this.stage[row]! && iteration > this.iteration[row]!);
  }

  private column(name: string): Float32Array {
    let column = this.figures.get(name);
    if (!column) {
      column = new Float32Array(this.stage.length).fill(Number.NaN);
      this.figures.set(name, column);
    }
    return column;
  }

  private grow(): void {
    const size = this.stage.length * 2;
    this.stage = grown(new Uint8Array(size), this.stage);
    for (const name of ["iteration", "images", "seconds"] as const)
      this[name] = grown(new Float64Array(size), this[name]);
    for (const [name, column] of this.figures) this.figures.set(name, grown(new Float32Array(size), column));
  }
}

function grown<Column extends Uint8Array | Float32Array | Float64Array>(
  larger: Column,
  column: Column,
): Column {
  larger.set(column);
  return larger;
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}
