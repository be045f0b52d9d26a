import { join } from "node:path";
import type { MethodComparison } from "../../compare/comparison.js";
import { COST_MEASURES, type CostMeasure } from "../../compare/convergence.js";
import type { Spread } from "../../compare/statistics.js";
import { escapeHtml } from "../report/markup.js";
import { FIGURE_NAMES, shortNumber } from "../wording.js";
import type { ComparisonDocument, StudentCase } from "./document.js";
import {
  costText,
  levelText,
  mainCost,
  ratesText,
  ratioText,
  SHORT_MEASURE_NAMES,
  speedUpText,
  spreadText,
  summaryParts,
} from "./wording.js";

/** The name of the compared figure. */
export function figureName({ figure }: ComparisonDocument): string {
  return FIGURE_NAMES[figure] ?? figure;
}

/** The main results: one line per kind of student and method. */
export function overviewTable(document: ComparisonDocument): string {
  const time = mainCost(document).measure === "processorSeconds" ? "processorSeconds" : "seconds";
  const head: string[] = [
    "student",
    "method",
    `${figureName(document)} at start`,
    "at end",
    "to the baseline's best: iterations",
    "iterations + preparation",
    SHORT_MEASURE_NAMES[time],
    `levels reached faster (${time === "seconds" ? "seconds" : "processor seconds"})`,
  ];
  const rows = document.cases.flatMap((part) =>
    part.methods.map((method) => {
      const best = part.levels.length - 1;
      const to = (measure: CostMeasure) => (method.isBaseline ? "" : badge(method, measure, best));
      return [
        escapeHtml(part.student),
        `${escapeHtml(method.name)}${method.isBaseline ? ' <span class="muted">baseline</span>' : ""}`,
        stacked(method.start),
        stacked(method.end),
        to("iterations"),
        to("iterationsWithPreparation"),
        to(time),
        method.isBaseline ? "" : verdict(method, time),
      ];
    }),
  );
  return table(head, rows);
}

/** A median with its range below. */
function stacked(values: Spread): string {
  const [middle, range] = spreadText(values).split(" (");
  return escapeHtml(middle) + (range ? `<small>${escapeHtml(range.replace(")", ""))}</small>` : "");
}

function verdict(method: MethodComparison, measure: CostMeasure): string {
  const all = method.speedUps[measure];
  const faster = all.filter(({ median }) => isFaster(median)).length;
  return `${faster} of ${all.length}`;
}

function isFaster(speedUp: MethodComparison["speedUps"]["seconds"][number]["median"]): boolean {
  return speedUp.kind === "above" || (speedUp.kind === "measured" && speedUp.ratio > 1);
}

/** A speed-up, coloured as faster or slower, with its spread below. */
function badge(method: MethodComparison, measure: CostMeasure, level: number): string {
  const summary = method.speedUps[measure][level]!;
  const { median } = summary;
  const parts = summaryParts(summary);
  const spread =
    parts.spread === "" ? "" : `<small>${escapeHtml(parts.spread.replace("never", "not reached"))}</small>`;
  if (median.kind === "below") {
    const bound = median.ratio > 0 ? `<small>below ${escapeHtml(ratioText(median.ratio))}×</small>` : "";
    return `<span class="muted">not reached</span>${bound}${spread}`;
  }
  const kind = median.kind === "neither" ? "muted" : isFaster(median) ? "faster" : "slower";
  const isEven = median.kind === "measured" && Math.abs(median.ratio - 1) < 0.02;
  return `<span class="${isEven ? "even" : kind}">${escapeHtml(parts.median)}</span>${spread}`;
}

/** Levels as columns, with their figures. */
function levelHeads(part: StudentCase): string[] {
  return part.levels.map(({ name, figure }) => `${levelText(name)} (${shortNumber(figure.median)})`);
}

/** Speed-ups of all methods, for all costs and levels. */
export function speedUpTable(document: ComparisonDocument, part: StudentCase): string {
  const rows = part.methods.flatMap((method) =>
    COST_MEASURES.map((measure, index) => {
      const cells = part.levels.map((_, level) =>
        method.isBaseline
          ? `<span class="muted">${escapeHtml(costText(method.costs[measure][level]!))}</span>`
          : badge(method, measure, level),
      );
      return [index === 0 ? methodCell(part, method) : "", SHORT_MEASURE_NAMES[measure], ...cells];
    }),
  );
  const head = ["method", "counted in", ...levelHeads(part)];
  return `${table(head, rows)}<p class="how">Columns: level and its ${escapeHtml(figureName(document))} (median over seeds). The baseline's rows are its costs.</p>`;
}

function methodCell(part: StudentCase, method: MethodComparison): string {
  const runs = part.runs.find((one) => one.method === method.name)!;
  const notes = [
    ratesText(runs.rates),
    ...(runs.atEdge ? ["at the sweep's edge"] : []),
    ...(method.diverged > 0 ? [`${method.diverged} diverged`] : []),
  ];
  return `${escapeHtml(method.name)}<br><span class="muted">${escapeHtml(notes.join(", "))}</span>`;
}

/** The costs of every seed, with links to the runs' reports. */
export function costTable(document: ComparisonDocument, part: StudentCase): string {
  const rows = part.methods.flatMap((method) => {
    const { convergence } = part.runs.find((one) => one.method === method.name)!;
    return convergence.flatMap((run, seed) =>
      (["iterationsWithPreparation", "seconds"] as const).map((measure) => [
        escapeHtml(method.name),
        `<a href="${escapeHtml(encodeURI(join(run.folder, "report.html")))}">${run.seed}</a>${run.diverged ? " (diverged)" : ""}`,
        SHORT_MEASURE_NAMES[measure],
        shortNumber(run.preparation[measure]),
        ...part.levels.map((_, level) => {
          const cost = method.costs[measure][level]![seed];
          const ratio = method.speedUps[measure][level]!.seeds[seed]!;
          if (cost === null || cost === undefined) return "not reached";
          return method.isBaseline
            ? shortNumber(cost)
            : `${shortNumber(cost)} <span class="muted">${escapeHtml(speedUpText(ratio))}</span>`;
        }),
      ]),
    );
  });
  return (
    table(["method", "seed", "counted in", "preparation", ...levelHeads(part)], rows) +
    endTable(document, part)
  );
}

function endTable(document: ComparisonDocument, part: StudentCase): string {
  const name = figureName(document);
  const rows = part.methods.map((method) => [
    escapeHtml(method.name),
    spreadText(method.start),
    spreadText(method.best),
    spreadText(method.end),
    spreadText(method.preparation.iterationsWithPreparation),
    spreadText(method.preparation.seconds),
  ]);
  return table(
    ["method", `${name} at start`, "best", "at end", "preparation in iterations", "preparation in seconds"],
    rows,
  );
}

/** The scores of the sweep's candidates. */
export function sweepTable(part: StudentCase): string {
  const rows = part.runs.flatMap(({ method, rates, sweep = [] }) =>
    sweep.map((one) => [
      escapeHtml(method),
      ratesText(one.rates),
      Number.isFinite(one.score) ? shortNumber(one.score) : "diverged",
      ratesText(one.rates) === ratesText(rates) ? "chosen" : "",
    ]),
  );
  return `${table(["method", "student / auxiliary", "score", ""], rows)}<p class="how">Score: mean logarithm of the figure over the budget, preparation counted; lower is better.</p>`;
}

/** A table of HTML cells. The first column is text; the others are right-aligned. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const kind = (index: number) => (index < 2 ? "" : ' class="number"');
  const cells = (row: readonly string[]) => row.map((cell, i) => `<td${kind(i)}>${cell}</td>`).join("");
  return `<div class="scroll"><table><thead><tr>${head.map((name, i) => `<th scope="col"${kind(i)}>${escapeHtml(name)}</th>`).join("")}</tr></thead><tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join("")}</tbody></table></div>`;
}
