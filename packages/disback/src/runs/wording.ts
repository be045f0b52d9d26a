/** `4 s`, `3 min 20 s`, `2 h 5 min`. */
export function shortDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Three significant digits. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e9 || (value !== 0 && size < 1e-3)) return value.toExponential(1);
  return size >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}

/** `1 sample`, `2,000 samples`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** `one-step`, `2-step`. */
export function stepsText(steps: number): string {
  return steps === 1 ? "one-step" : `${steps}-step`;
}

/** Bytes with a unit, in powers of ten. */
export function shortBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${shortNumber(bytes / 1000 ** power)} ${units[power]}`;
}

/** Display names of the figures in `metrics.jsonl`, in display order. */
export const FIGURE_NAMES: Readonly<Record<string, string>> = {
  loss: "loss",
  mismatch: "mismatch",
  fid: "FID",
  kid: "KID",
  inceptionScore: "Inception Score",
  precision: "precision",
  recall: "recall",
  slicedWasserstein: "Wasserstein",
  clipScore: "CLIP score",
  modeCoverage: "modes covered",
  highQuality: "near a mode",
  trigramDivergence: "trigram divergence",
  textPerplexity: "perplexity",
  validWords: "valid words",
  distinctPairs: "distinct word pairs",
  agreement: "picture and word agree",
  motionError: "motion error",
  readableDigits: "readable digits",
  readableFrames: "readable frames",
  target: "target",
};
