import { FIGURES } from "../../src/pages/index.ts";

/** Three significant digits. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9 || (value !== 0 && size < 1e-3)) return value.toExponential(1);
  return size >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}

/** `4 s`, `3 min 20 s`, `2 h 5 min`. */
export function shortDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Local date and time to the minute. */
export function shortTime(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  const options = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" } as const;
  return date.toLocaleString("en", options);
}

export function showFigure(figure: string, value: number): string {
  return FIGURES[figure]?.unit === "bytes" ? `${shortNumber(value / 1e9)} GB` : shortNumber(value);
}

export const STAGE_NAMES = {
  teacher: "training",
  imitate: "imitating",
  record: "recording",
  backtrack: "backtracking",
} as const;

/** Settings as rows `backtracking.batchSize → 128`. */
export function flatten(value: Record<string, unknown>, prefix = ""): [name: string, value: string][] {
  return Object.entries(value).flatMap(([name, inner]): [string, string][] =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? flatten(inner as Record<string, unknown>, `${prefix}${name}.`)
      : [[prefix + name, typeof inner === "string" ? inner : JSON.stringify(inner)]],
  );
}
