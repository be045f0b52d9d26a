import { stageNames } from "../../../src/pages/index.ts";
import type { LogLine, RunSummary, Stage } from "../../../src/wire.ts";
import { STAGE_NAMES, shortDuration } from "../format.ts";

/** Progress of a stage, as bar and text. */
export function StageProgress({ run }: { run: RunSummary }) {
  const { last, state } = run;
  if (!last) return <span class="quiet">{state === "running" ? "starting" : "nothing yet"}</span>;
  const total = typeof last.iterations === "number" ? last.iterations : undefined;
  const words = `${STAGE_NAMES[last.stage]} ${last.iteration.toLocaleString("en")}${total ? ` of ${total.toLocaleString("en")}` : ""}`;
  const left = state === "running" ? timeLeft(last) : undefined;
  return (
    <span class="progress">
      {total !== undefined && state !== "finished" && (
        <progress max={total} value={last.iteration} aria-label={words} />
      )}
      <span>
        {words}
        {left !== undefined && <span class="quiet">, {left} left</span>}
      </span>
    </span>
  );
}

export function timeLeft(line: LogLine): string | undefined {
  return typeof line.secondsLeft === "number" ? shortDuration(line.secondsLeft) : undefined;
}

/** The stages of a run in a row, with widths by their iterations. */
export function Stages({
  last,
  planned,
  done,
}: {
  last: LogLine | undefined;
  planned: Partial<Record<Stage, number>>;
  done: Partial<Record<Stage, number>>;
}) {
  const now = stageNames.indexOf(last?.stage ?? "teacher");
  const stages = stageNames.filter((stage) => planned[stage] !== undefined);
  return (
    <ol class="stages" aria-label="stages">
      {stages.map((stage) => {
        const isPast = stageNames.indexOf(stage) < now;
        const iterations = done[stage] ?? 0;
        // A recording may end early; then its actual length counts.
        const total = isPast && iterations > 0 ? iterations : planned[stage]!;
        const isLeftOut = isPast && iterations === 0;
        return (
          <li key={stage} style={{ flexGrow: isLeftOut ? 0 : total }} class={isLeftOut ? "skipped" : ""}>
            <span class="bar">
              <span style={{ width: `${(100 * iterations) / total}%` }} />
            </span>
            <span>
              {STAGE_NAMES[stage]}{" "}
              {isLeftOut ? "left out" : `${iterations.toLocaleString("en")} / ${total.toLocaleString("en")}`}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
