import type { MetricsEntry } from "../metrics-log.js";
import type { RunRecord } from "../run-record.js";
import { shortDuration, shortNumber } from "../wording.js";
import { escapeHtml } from "./markup.js";

/** The figures a reader wants first, as a list of tiles. */
export function headline(record: RunRecord, entries: readonly MetricsEntry[]): string {
  const judged = entries.filter((entry) => typeof entry.fid === "number");
  const result = record.result ?? {};
  const last = entries.at(-1);
  const tiles: [string, string, string][] = [];
  if (judged.length > 0) {
    const [first, end] = [judged[0]!, judged.at(-1)!];
    tiles.push(["FID at start", shortNumber(first.fid!), `iteration ${first.iteration}`]);
    if (judged.length > 1) tiles.push(["FID at end", shortNumber(end.fid!), `iteration ${end.iteration}`]);
  }
  if (typeof result.teacherFid === "number") {
    tiles.push([
      "teacher's FID",
      shortNumber(result.teacherFid),
      `${result.teacherEvaluations} evaluations each`,
    ]);
  }
  if (typeof result.slicedWassersteinEnd === "number") {
    tiles.push(["Wasserstein distance at end", shortNumber(result.slicedWassersteinEnd), "sliced"]);
  }
  if (typeof result.studentRate === "number" && typeof result.teacherRate === "number") {
    tiles.push(
      ["student's speed", `${shortNumber(result.studentRate)}/s`, "1 evaluation each"],
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
