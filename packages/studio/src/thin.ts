import type { LogSeries } from "./log-series.js";
import type { Curves, Stage } from "./wire.js";

export type Axis = "iterations" | "images" | "seconds";

/** The requested part of a log, and its resolution. */
export interface View {
  axis: Axis;
  from: number;
  to: number;
  /** Approximate largest number of rows. */
  points: number;
}

/** Offsets of each stage, so that iterations and images count through the run. */
export type Offsets = Partial<Record<Stage, { iteration: number; images: number }>>;

/**
 * Rows of a log for one view: all of them if they are few, else the first and the last of each of `points` / 4 equal
 * ranges of rows, and for every figure the rows with its lowest and highest value. No peak is lost at any zoom.
 */
export function thin(series: LogSeries, view: View, offsets: Offsets): Curves {
  const [first, end] = rowsIn(series, view, offsets);
  const names = series.names;
  const rows = pick(series, names, first, end, view.points);
  const curves: Curves = {
    iterations: [],
    images: [],
    seconds: [],
    stages: [],
    figures: Object.fromEntries(names.map((name) => [name, []])),
    lines: series.lines,
  };
  for (const row of rows) {
    for (const axis of ["iterations", "images", "seconds"] as const)
      curves[axis].push(position(series, row, axis, offsets));
    curves.stages.push(series.stageOf(row));
    for (const name of names) {
      const value = series.figure(name)[row]!;
      curves.figures[name]!.push(Number.isNaN(value) ? null : shorten(value));
    }
  }
  return curves;
}

/** The position of a row in the whole run. */
export function position(series: LogSeries, row: number, axis: Axis, offsets: Offsets): number {
  if (axis === "seconds") return series.place(row, "seconds");
  const name = axis === "iterations" ? "iteration" : "images";
  return series.place(row, name) + (offsets[series.stageOf(row)]?.[name] ?? 0);
}

/** Rows of the range in view and one beyond each end, so that curves reach the edges. Positions ascend. */
function rowsIn(series: LogSeries, view: View, offsets: Offsets): [first: number, end: number] {
  const firstAt = (limit: number, inclusive: boolean) => {
    let [low, high] = [0, series.lines];
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = position(series, middle, view.axis, offsets);
      if (at > limit || (inclusive && at === limit)) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  return [Math.max(0, firstAt(view.from, true) - 1), Math.min(series.lines, firstAt(view.to, false) + 1)];
}

function pick(
  series: LogSeries,
  names: string[],
  first: number,
  end: number,
  points: number,
): Iterable<number> {
  const count = end - first;
  if (count <= points) return Array.from({ length: count }, (_, i) => first + i);
  const kept = new Set<number>();
  const columns = names.map((name) => series.figure(name));
  const buckets = Math.max(1, Math.floor(points / 4));
  for (let bucket = 0; bucket < buckets; bucket++) {
    const start = first + Math.floor((bucket * count) / buckets);
    const stop = first + Math.floor(((bucket + 1) * count) / buckets);
    kept.add(start).add(stop - 1);
    for (const column of columns) {
      const [low, high] = extremes(column, start, stop);
      if (low >= 0) kept.add(low).add(high);
    }
  }
  return [...kept].sort((a, b) => a - b);
}

function extremes(column: Float32Array, start: number, stop: number): [low: number, high: number] {
  let [low, high] = [-1, -1];
  for (let row = start; row < stop; row++) {
    const value = column[row]!;
    if (Number.isNaN(value)) continue;
    if (low < 0 || value < column[low]!) low = row;
    if (high < 0 || value > column[high]!) high = row;
  }
  return [low, high];
}

/** Six digits: more than a screen shows, and half the bytes. */
function shorten(value: number): number {
  return Number(value.toPrecision(6));
}
