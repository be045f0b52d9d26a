import { balancedColumns } from "../../../src/pages/index.ts";

/** The columns of small cards on wide and on middling screens, for the style sheet. */
export function tileColumns(count: number): Record<string, string> {
  return {
    "--columns-wide": String(balancedColumns(count, 8)),
    "--columns-middle": String(balancedColumns(count, 4)),
  };
}

/** How many of three columns, or of two, the first chart takes, so that the last does not stand alone. */
export function firstChartSpan(count: number): Record<string, string> {
  return {
    "--first-wide": count % 3 === 1 ? "2" : "1",
    "--first-middle": count % 2 === 1 ? "2" : "1",
  };
}
