import type { CostMeasure } from "../../compare/convergence.js";
import type { ComparisonDocument, StudentCase } from "./document.js";
import { costText, levelText, ratesText, SHORT_MEASURE_NAMES, spreadText, summaryText } from "./wording.js";

const SHOWN: readonly CostMeasure[] = [
  "iterations",
  "iterationsWithPreparation",
  "seconds",
  "processorSeconds",
];

/**
 * The comparison of one kind of student as rows, the first being the heading. The baseline's rows hold what it took
 * (median over seeds), those of the others their speed-ups.
 */
export function tableOfCase(document: ComparisonDocument, part: StudentCase): string[][] {
  const isSwept = document.settings.protocol === "best";
  const heading = [
    "",
    ...(isSwept ? ["rates"] : []),
    "at end",
    "counted in",
    ...part.levels.map(({ name }) => levelText(name)),
  ];
  const rows = part.methods.flatMap((method) => {
    const runs = part.runs.find((one) => one.method === method.name)!;
    const measures =
      method.preparation.seconds.highest > 0
        ? SHOWN
        : SHOWN.filter((one) => one !== "iterationsWithPreparation");
    return measures.map((measure, index) => {
      const first = index === 0;
      const cells = part.levels.map((_, level) =>
        method.isBaseline
          ? costText(method.costs[measure][level]!)
          : summaryText(method.speedUps[measure][level]!),
      );
      const rates = first ? ratesText(runs.rates) + (runs.atEdge ? " (edge)" : "") : "";
      return [
        first ? method.name : "",
        ...(isSwept ? [rates] : []),
        first ? spreadText(method.end) : "",
        SHORT_MEASURE_NAMES[measure],
        ...cells,
      ];
    });
  });
  return [heading, ...rows];
}
