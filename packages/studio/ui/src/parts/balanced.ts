import { balancedColumns } from "../../../src/pages/index.ts";

/** The columns of small cards on wide and on middling screens, for the style sheet. */
export function tileColumns(count: number): Record<string, string> {
  return {
    "--columns-wide": String(balancedColumns(count, 8)),
    "--columns-middle": String(balancedColumns(count, 4)),
  };
}

/** The number of columns (of three, or of two) of the first chart, so that the last is not alone in its row. */
export function firstChartSpan(count: number): Record<string, string> {
  return {
    "--first-wide": count % 3 === 1 ? "2" : "1",
    "--first-middle": count % 2 === 1 ? "2" : "1",
  };
}
