import type { RunSummary } from "../../../src/wire.ts";
import { shortTime } from "../format.ts";
import { comparisonLink } from "../route.ts";
import { verdict } from "../run-words.ts";
import { Thumbnail } from "./thumbnail.tsx";

const MOST_PICTURES = 4;

/** A `disback compare` as one card, for any number of runs. */
export function ComparisonCard({
  id,
  name,
  runs,
}: {
  id: string;
  name: string;
  runs: readonly RunSummary[];
}) {
  const result = verdict(runs);
  return (
    <li class="card comparison">
      <div class="shown mosaic">
        {pictured(runs).map((run) => (
          <Thumbnail key={run.id} run={run} />
        ))}
      </div>
      <div class="words">
        <h2>
          <a href={comparisonLink(id)} title={id}>
            {name}
          </a>{" "}
          <span class="kind">comparison</span>
        </h2>
        {result !== "" && <p class="result">{result}</p>}
        <p class="quiet">
          {runs[0]!.title} · {statesText(runs)}
        </p>
        <p class="quiet">{shortTime(runs[0]!.startedAt)}</p>
      </div>
    </li>
  );
}

/** One run of each method, as many as fit. */
function pictured(runs: readonly RunSummary[]): RunSummary[] {
  const byHow = new Map(runs.filter((run) => run.picture).map((run) => [run.how, run]));
  const first = [...byHow.values()];
  const others = runs.filter((run) => run.picture && !first.includes(run));
  return [...first, ...others].slice(0, MOST_PICTURES);
}

/** `6 runs: 5 finished, 1 running` */
export function statesText(runs: readonly RunSummary[]): string {
  const counts = new Map<string, number>();
  for (const { state } of runs) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
  return counts.size === 1
    ? `${runs.length} runs, all ${[...counts.keys()][0]}`
    : `${runs.length} runs: ${states}`;
}
