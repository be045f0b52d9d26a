import type { MetricsEntry } from "../metrics-log.js";
import type { RunRecord } from "../run-record.js";
import { shortDuration, shortNumber } from "../wording.js";
import { escapeHtml } from "./markup.js";

/** The figures a reader wants first, as a list of tiles. */
export function headline(record: RunRecord, entries: readonly MetricsEntry[]): string {
  const result = record.result ?? {};
  const last = entries.at(-1);
  const tiles: [string, string, string][] = [];
  for (const [figure, name] of [
    ["fid", "FID"],
    ["slicedWasserstein", "Wasserstein"],
  ] as const) {
    const judged = entries.flatMap((entry): [number, number][] => {
      const value = entry[figure];
      return typeof value === "number" ? [[entry.iteration, value]] : [];
    });
    const [first, end] = [judged[0], judged.at(-1)];
    if (first) tiles.push([`${name} at start`, shortNumber(first[1]), `iteration ${first[0]}`]);
    if (end && judged.length > 1) tiles.push([`${name} at end`, shortNumber(end[1]), `iteration ${end[0]}`]);
    const teacher = result[teacherFigure(figure)];
    if (typeof teacher === "number") {
      tiles.push([
        `teacher's ${name}`,
        shortNumber(teacher),
        `${result.teacherEvaluations} evaluations each`,
      ]);
    }
  }
  if (typeof result.studentRate === "number" && typeof result.teacherRate === "number") {
    tiles.push(
      [
        "student's speed",
        `${shortNumber(result.studentRate)}/s`,
        `${result.studentEvaluations ?? 1} evaluation${(result.studentEvaluations ?? 1) === 1 ? "" : "s"} each`,
      ],
      [
        "teacher's speed",
        `${shortNumber(result.teacherRate)}/s`,
        `${result.teacherEvaluations} evaluations each`,
      ],
      ["speed-up", `${shortNumber(result.studentRate / result.teacherRate)}×`, "in samples per second"],
    );
  }
  if (last) tiles.push(["time", shortDuration(last.seconds), `${shortNumber(last.images)} samples seen`]);
  return tiles
    .map(
      ([name, value, note]) =>
        `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd><dd class="note">${escapeHtml(note)}</dd></div>`,
    )
    .join("\n");
}

/** Name of the teacher's figure in a run's result: `fid` → `teacherFid`. */
export function teacherFigure(figure: string): string {
  return `teacher${figure[0]!.toUpperCase()}${figure.slice(1)}`;
}
