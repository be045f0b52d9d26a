import { memo } from "preact/compat";
import type { RunSummary } from "../../../src/wire.ts";
import { shortDuration, shortTime } from "../format.ts";
import { runLink } from "../route.ts";
import { resultLine } from "../run-words.ts";
import { StageProgress } from "./stage-progress.tsx";
import { StateBadge } from "./state-badge.tsx";
import { Thumbnail } from "./thumbnail.tsx";

interface RunCardProps {
  run: RunSummary;
  /** Short name; the link's title has the whole id. */
  name: string;
  chosen: boolean;
  onToggle: (id: string) => void;
}

/** A run at a glance: newest samples, result, progress. Drawn again only if it changed. */
export const RunCard = memo(({ run, name, chosen, onToggle }: RunCardProps) => {
  const result = resultLine(run);
  return (
    <li class="card">
      <div class="shown">
        <Thumbnail run={run} />
      </div>
      <div class="words">
        <h2>
          <a href={runLink(run.id)} title={run.id}>
            {name}
          </a>{" "}
          <StateBadge state={run.state} />
        </h2>
        {result !== "" && <p class={run.failure === undefined ? "result" : "result bad"}>{result}</p>}
        {run.state !== "finished" && <StageProgress run={run} />}
        <p class="quiet">
          {run.title} · {run.how} · seed {run.seed}
        </p>
        <p class="quiet">
          {shortTime(run.startedAt)}
          {run.seconds !== undefined && `, ${shortDuration(run.seconds)}`}
        </p>
      </div>
      <label class="tick">
        <input
          type="checkbox"
          checked={chosen}
          aria-label={`compare ${run.id}`}
          onChange={() => onToggle(run.id)}
        />
        <span aria-hidden="true">compare</span>
      </label>
    </li>
  );
});
