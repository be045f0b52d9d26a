import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { MetricsEntry } from "../metrics-log.js";
import { shortNumber } from "../wording.js";
import { escapeHtml } from "./markup.js";

/** Grids shown; more are thinned out evenly, first and last always kept. */
const MOST_GRIDS = 23;

/** The sample grids of a run as embedded images, in order of time; the teacher's last. */
export function sampleGrids(runPath: string, entries: readonly MetricsEntry[]): string {
  const folder = join(runPath, "samples");
  if (!existsSync(folder)) return "";
  const names = readdirSync(folder).filter((name) => name.endsWith(".png"));
  const timed = names.filter((name) => /^[a-z]+-\d+\.png$/.test(name)).sort();
  const figures = thin(timed, MOST_GRIDS).map((name) => {
    const [stage, digits] = name.replace(".png", "").split("-") as [string, string];
    const iteration = Number(digits);
    const entry = entries.find((one) => one.stage === stage && one.iteration === iteration);
    const fid = typeof entry?.fid === "number" ? `FID ${shortNumber(entry.fid)}` : "";
    return grid(join(folder, name), `iteration ${iteration}`, fid);
  });
  if (names.includes("reference.png"))
    figures.push(grid(join(folder, "reference.png"), "teacher", "same latents"));
  return figures.join("\n");
}

function grid(path: string, title: string, note: string): string {
  const data = readFileSync(path).toString("base64");
  return `<figure><img alt="samples, ${escapeHtml(title)}" src="data:image/png;base64,${data}"><figcaption><b>${escapeHtml(title)}</b><span>${escapeHtml(note)}</span></figcaption></figure>`;
}

function thin<Item>(items: readonly Item[], most: number): Item[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]!);
}
