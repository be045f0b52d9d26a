import type { Figures } from "./progress.js";

/** Means of figures since the last call of `take`. */
export class RunningMeans {
  private sums: Record<string, [sum: number, count: number]> = {};

  add(figures: Figures): void {
    for (const [name, value] of Object.entries(figures)) {
      if (value === undefined) continue;
      const [sum, count] = this.sums[name] ?? [0, 0];
      this.sums[name] = [sum + value, count + 1];
    }
  }

  get means(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.sums).map(([name, [sum, count]]) => [name, sum / count]));
  }

  /** Returns the means so far and starts over. */
  take(): Record<string, number> {
    const { means } = this;
    this.sums = {};
    return means;
  }

  /** For checkpoints: a run resumed between two evaluations logs the same means as an uninterrupted one. */
  state(): Record<string, [number, number]> {
    return structuredClone(this.sums);
  }

  load(state: Record<string, [number, number]>): void {
    this.sums = structuredClone(state);
  }
}
