import { balancedColumns, shortFigureName } from "@disback/studio/pages";
import { BEST_BY } from "../best-model.js";
import type { MetricsEntry } from "../metrics-log.js";
import type { RunRecord } from "../run-record.js";
import { shortDuration, shortNumber } from "../wording.js";
import { escapeHtml } from "./markup.js";

/** `1 evaluation, ` as a prefix; empty if not measured. */
export function evaluationsText(count: unknown): string {
  return typeof count === "number" ? `${count} ${count === 1 ? "evaluation" : "evaluations"}, ` : "";
}

/** The result in a sentence: `One evaluation instead of 35, 129 times as many samples per second: FID 41.9, …`. */
export function resultSentence({ result = {} }: RunRecord, entries: readonly MetricsEntry[]): string {
  const { studentEvaluations: own, teacherEvaluations: other, studentRate, teacherRate } = result;
  const judged = BEST_BY.map((figure) => ({
    figure,
    value: [...entries].reverse().find((entry) => typeof entry[figure] === "number")?.[figure],
  })).find(({ value }) => value !== undefined);
  const teacher = judged && result[teacherFigure(judged.figure)];
  const parts = [
    ...(typeof own === "number" && typeof other === "number"
      ? [`${own} ${own === 1 ? "evaluation" : "evaluations"} instead of ${other}`]
      : []),
    ...(typeof studentRate === "number" && typeof teacherRate === "number"
      ? [`${shortNumber(studentRate / teacherRate)} times as many samples per second`]
      : []),
    ...(judged ? [`${shortFigureName(judged.figure)} ${shortNumber(judged.value as number)}`] : []),
    ...(typeof teacher === "number" ? [`the teacher ${shortNumber(teacher)}`] : []),
  ];
  return parts.join(", ");
}

/** The main figures, as a list of tiles. */
export function headline(record: RunRecord, entries: readonly MetricsEntry[]): string {
  const result = record.result ?? {};
  const last = entries.at(-1);
  const tiles: [string, string, string][] = [];
  for (const figure of BEST_BY) {
    const name = shortFigureName(figure);
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
  // With judging and timing, where the run is finished.
  const seconds = typeof result.seconds === "number" ? result.seconds : last?.seconds;
  if (last) tiles.push(["time", shortDuration(seconds!), "of the whole run"]);
  if (tiles.length === 0) return "";
  const cards = tiles.map(
    ([name, value, note]) =>
      `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd><dd class="note">${escapeHtml(note)}</dd></div>`,
  );
  const columns = [8, 4].map((most) => balancedColumns(tiles.length, most));
  return `<dl class="headline" style="--columns-wide: ${columns[0]}; --columns-middle: ${columns[1]}">
${cards.join("\n")}
</dl>`;
}

/** Name of the teacher's figure in a run's result: `fid` → `teacherFid`. */
export function teacherFigure(figure: string): string {
  return `teacher${figure[0]!.toUpperCase()}${figure.slice(1)}`;
}
