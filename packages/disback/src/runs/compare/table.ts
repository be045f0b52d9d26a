import type { CostMeasure } from "../../compare/convergence.js";
import type { ComparisonDocument, StudentCase } from "./document.js";
import { levelText, medianCostText, ratesText, spreadText, summaryParts } from "./wording.js";

/** The measure in the terminal's table; the page shows all of them. */
const MEASURE: CostMeasure = "iterationsWithPreparation";

/** Explains the numbers of the table. */
export const TABLE_NOTE =
  "levels of the way to the teacher: the baseline's iterations, preparation counted, and the others' speed-up, medians over seeds; never (<0.8×): not reached, 0.8× had it been with the last step";

/**
 * The comparison of one kind of student as rows for a terminal, the first being the heading: one row for each method.
 */
export function tableOfCase(document: ComparisonDocument, part: StudentCase): string[][] {
  const isSwept = document.settings.protocol === "best";
  const levels = part.levels.map(({ name }) => levelText(name));
  const rows = part.methods.map((method) => {
    const runs = part.runs.find((one) => one.method === method.name)!;
    const cells = part.levels.map((_, level) =>
      method.isBaseline
        ? medianCostText(method.costs[MEASURE][level]!)
        : summaryParts(method.speedUps[MEASURE][level]!).median,
    );
    const rates = ratesText(runs.rates) + (runs.atEdge ? " (edge)" : "");
    return [method.name, ...(isSwept ? [rates] : []), spreadText(method.end), ...cells];
  });
  return [["", ...(isSwept ? ["rates"] : []), "at end", ...levels], ...rows];
}
