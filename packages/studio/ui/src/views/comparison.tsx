import { useMemo } from "preact/hooks";
import { CompareButton, MOST_COMPARED, useChoice } from "../parts/choice.tsx";
import { statesText } from "../parts/comparison-card.tsx";
import { RunCard } from "../parts/run-card.tsx";
import { compareLink } from "../route.ts";
import { differingParts, verdict } from "../run-words.ts";
import type { Runs } from "../runs.ts";

/** All runs of one `disback compare`. */
export function ComparisonView({ id, runs }: { id: string; runs: Runs }) {
  const [chosen, toggle] = useChoice();
  const own = useMemo(
    () =>
      runs.all
        .filter((run) => run.comparison === id)
        .sort((a, b) => a.id.localeCompare(b.id, "en", { numeric: true })),
    [runs, id],
  );
  const names = useMemo(() => differingParts(own.map((run) => run.id)), [own]);
  if (own.length === 0)
    return (
      <section class="empty" role="alert">
        <h1>There is no such comparison</h1>
        <a href="#/">All runs</a>
      </section>
    );
  return (
    <article>
      <header>
        <a href="#/">All runs</a>
        <h1>{id === "." ? "This comparison" : id.split("/").at(-1)}</h1>
        <p class="result">{verdict(own)}</p>
        <p class="quiet">
          {own[0]!.title} · {statesText(own)}
        </p>
      </header>
      <div class="filters">
        <a class="button" href={compareLink(own.slice(0, MOST_COMPARED).map((run) => run.id))}>
          Curves of {own.length > MOST_COMPARED ? `the first ${MOST_COMPARED}` : "all"}
        </a>
        <CompareButton ids={own.filter((run) => chosen.has(run.id)).map((run) => run.id)} />
      </div>
      <ul class="cards">
        {own.map((run) => (
          <RunCard
            key={run.id}
            run={run}
            name={names.get(run.id)!}
            chosen={chosen.has(run.id)}
            onToggle={toggle}
          />
        ))}
      </ul>
    </article>
  );
}
