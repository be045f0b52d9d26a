import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { balancedColumns, sampleGridOf, shortFigureName } from "@disback/studio/pages";
import type { Convergence } from "../../compare/convergence.js";
import { escapeHtml } from "../report/markup.js";
import { shortNumber } from "../wording.js";
import type { ComparisonDocument, MethodRuns, StudentCase } from "./document.js";
import { type MainCost, mainCost } from "./wording.js";

/** Moments of the slider, from the start to the largest cost that all methods paid. */
const MOMENTS = 6;

/** A student at a cost. */
interface Moment {
  picture: string;
  caption: string;
}

/**
 * The samples of all methods side by side, of the first seed and from the same noise, at the same cost with
 * preparation, see `mainCost`; a slider goes through the costs.
 */
export function samplesAtEqualCost(out: string, document: ComparisonDocument, part: StudentCase): string {
  const { figure, settings } = document;
  const { measure, units } = mainCost(document);
  const first = part.runs.map(({ method, convergence }) => ({ method, run: convergence[0]! }));
  const most = Math.min(...first.map(({ run }) => run.points.at(-1)?.cost[measure] ?? 0));
  const costs = Array.from({ length: MOMENTS }, (_, moment) => (most * moment) / (MOMENTS - 1));
  const methods = first.flatMap(({ method, run }) => {
    const moments = costs.flatMap((cost) => momentAt(out, run, { measure, cost }, figure) ?? []);
    return moments.length === costs.length ? [{ method, moments }] : [];
  });
  if (most === 0 || methods.length === 0) return "";
  const figures = methods.map(({ method, moments }) => {
    const images = moments.map(
      ({ picture, caption }, index) =>
        `<img alt="${escapeHtml(`samples, ${method}, ${caption}`)}" src="data:image/png;base64,${readFileSync(picture).toString("base64")}" data-caption="${escapeHtml(caption)}" data-moment="${escapeHtml(`each after ${shortNumber(costs[index]!)} ${units}`)}"${index + 1 < moments.length ? " hidden" : ""}>`,
    );
    const name =
      method === settings.baseline ? `${method} <span class="muted">baseline</span>` : escapeHtml(method);
    return `<figure><button type="button" class="picture frames" aria-label="enlarge the samples of ${escapeHtml(method)}">${images.join("\n")}</button><figcaption><b>${name}</b> <span class="moment">${escapeHtml(moments.at(-1)!.caption)}</span></figcaption></figure>`;
  });
  return `<h3>Samples at equal cost</h3>
<section class="result methods${isPoints(out, part.runs) ? " points" : ""}"${gridData(settings.common, out, part.runs)}>
<div class="pair" style="--columns-wide: ${balancedColumns(figures.length, 4)}; --columns-middle: ${balancedColumns(figures.length, 3)}">
${figures.join("\n")}
</div>
<div class="time" hidden><button type="button">Play</button><input type="range" min="0" value="0" aria-label="cost"><output class="moment"></output></div>
<p class="how">Seed ${first[0]!.run.seed}, all from the same noise, each after ${shortNumber(most)} ${units}; preparation is counted${measure === "processorSeconds" ? "" : " as the steps that would have taken as long"}.</p>
</section>`;
}

/** The newest picture that a run had for this cost. */
function momentAt(
  out: string,
  run: Convergence & { folder: string },
  { measure, cost }: Pick<MainCost, "measure"> & { cost: number },
  figure: string,
): Moment | undefined {
  const folder = join(out, run.folder, "samples");
  if (!existsSync(folder)) return undefined;
  const imitated = readdirSync(folder)
    .filter((name) => /^imitate-\d+\.png$/.test(name))
    .sort();
  const affordable = run.points.filter((point) => point.cost[measure] <= cost * (1 + 1e-9));
  // While it records, a student does not change.
  const point = affordable.at(-1) ?? run.points[0]!;
  const early = run.points.filter((one) => one.cost.iterations === 0);
  const place = early.indexOf(point);
  const isPreparing = place >= 0 && place < imitated.length;
  const name = isPreparing
    ? imitated[place]!
    : `backtrack-${String(point.cost.iterations).padStart(8, "0")}.png`;
  const picture = join(folder, name);
  if (!existsSync(picture)) return undefined;
  const value = point.figures[figure];
  const when = isPreparing ? "imitating" : `iteration ${point.cost.iterations.toLocaleString("en")}`;
  return {
    picture,
    caption: value === undefined ? when : `${when}, ${shortFigureName(figure)} ${shortNumber(value)}`,
  };
}

function isPoints(out: string, runs: readonly MethodRuns[]): boolean {
  const folder = join(out, runs[0]!.convergence[0]!.folder, "samples");
  return existsSync(folder) && readdirSync(folder).some((name) => name.endsWith(".npy"));
}

/** Position of each sample in the pictures, for the page's script. */
function gridData(common: Record<string, unknown>, out: string, runs: readonly MethodRuns[]): string {
  const grid = isPoints(out, runs) ? undefined : sampleGridOf({ grid: 64, ...(common.evaluation as object) });
  return grid
    ? ` data-columns="${grid.columns}" data-count="${grid.count}" data-padding="${grid.padding}"`
    : "";
}
