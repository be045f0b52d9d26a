import { shortFigureName } from "../../src/pages/index.ts";
import type { RunSummary } from "../../src/wire.ts";
import { shortNumber } from "./format.ts";

/** The last parts of the runs' folders, as many as needed to distinguish them. */
export function shortNames(ids: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const id of ids) {
    const parts = id.split("/");
    let count = 1;
    const tail = () => parts.slice(-count).join("/");
    const isTaken = () => ids.some((other) => other !== id && `/${other}`.endsWith(`/${tail()}`));
    while (count < parts.length && isTaken()) count++;
    names.set(id, id === "." ? "this run" : tail());
  }
  return names;
}

/** The parts of the runs' folders that differ. */
export function differingParts(ids: readonly string[]): ReadonlyMap<string, string> {
  const split = ids.map((id) => id.split("/"));
  return new Map(
    ids.map((id, index) => {
      const own = split[index]!.filter((part, place) => split.some((parts) => parts[place] !== part));
      return [id, own.join("/") || id.split("/").at(-1)!];
    }),
  );
}

/** The result in one line: `FID 41.9, the teacher 5.83 · 1 evaluation instead of 35`. */
export function resultLine({ headline, evaluations, failure }: RunSummary): string {
  if (failure !== undefined) return failure;
  if (!headline) return "";
  const teacher = headline.teacher === undefined ? "" : `, the teacher ${shortNumber(headline.teacher)}`;
  return [
    `${shortFigureName(headline.name)} ${shortNumber(headline.value)}${teacher}`,
    ...(evaluations ? [`${evaluationsText(evaluations.student)} instead of ${evaluations.teacher}`] : []),
  ].join(" · ");
}

export function evaluationsText(count: number): string {
  return `${count} ${count === 1 ? "evaluation" : "evaluations"}`;
}

/** The same for a comparison: each method's mean over its runs, best first. */
export function verdict(runs: readonly RunSummary[]): string {
  const figure = runs.find((run) => run.headline)?.headline?.name;
  if (figure === undefined) return "";
  const methods = new Map<string, number[]>();
  for (const run of runs) {
    if (run.headline?.name !== figure) continue;
    const name = methodOf(run);
    methods.set(name, [...(methods.get(name) ?? []), run.headline.value]);
  }
  const means = [...methods]
    .map(([name, values]) => ({ name, mean: values.reduce((sum, one) => sum + one, 0) / values.length }))
    .sort((a, b) => a.mean - b.mean);
  const shown = means.slice(0, 3).map(({ name, mean }) => `${name} ${shortNumber(mean)}`);
  const rest = means.length - shown.length;
  return `${shortFigureName(figure)}: ${shown.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/** The folder that `disback compare` makes for a method: `runs/same/METHOD/rates-…/seed-1`. */
function methodOf({ id, comparison }: RunSummary): string {
  const within = comparison === undefined || comparison === "." ? id : id.slice(comparison.length + 1);
  const parts = within.split("/");
  return parts[0] === "runs" && parts.length > 2 ? parts[2]! : parts[0]!;
}
