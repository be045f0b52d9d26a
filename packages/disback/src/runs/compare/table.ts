import type { ComparisonDocument, StudentCase } from "./document.js";
import { levelText, mainCost, medianCostText, ratesText, spreadText, summaryParts } from "./wording.js";

/** Explains the numbers of the table. The page shows all measures. */
export function tableNote(document: ComparisonDocument): string {
  const { measure } = mainCost(document);
  const cost = measure === "processorSeconds" ? "processor seconds" : "iterations";
  return `levels of the way to the teacher: the baseline's ${cost}, preparation counted, and the others' speed-up, medians over seeds; never (<0.8×): not reached, 0.8× had it been with the last step`;
}

/**
 * The comparison of one kind of student as rows for a terminal, the first being the heading: one row for each method.
 */
export function tableOfCase(document: ComparisonDocument, part: StudentCase): string[][] {
  const { measure } = mainCost(document);
  const isSwept = document.settings.protocol === "best";
  const levels = part.levels.map(({ name }) => levelText(name));
  const rows = part.methods.map((method) => {
    const runs = part.runs.find((one) => one.method === method.name)!;
    const cells = part.levels.map((_, level) =>
      method.isBaseline
        ? medianCostText(method.costs[measure][level]!)
        : summaryParts(method.speedUps[measure][level]!).median,
    );
    const rates = ratesText(runs.rates) + (runs.atEdge ? " (edge)" : "");
    return [method.name, ...(isSwept ? [rates] : []), spreadText(method.end), ...cells];
  });
  return [["", ...(isSwept ? ["rates"] : []), "at end", ...levels], ...rows];
}
