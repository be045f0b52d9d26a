import type { LogLine, RunSummary, Stage } from "../../../src/wire.ts";
import { STAGE_NAMES, shortDuration } from "../format.ts";

/** How far a stage is, as bar and words. */
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

/** The stages of a run one after the other, each as wide as it has iterations. */
export function Stages({
  last,
  planned,
  offsets,
}: {
  last: LogLine | undefined;
  planned: Partial<Record<Stage, number>>;
  offsets: Partial<Record<Stage, number>>;
}) {
  const stages = (["teacher", "record", "backtrack"] as const).filter(
    (stage) => planned[stage] !== undefined,
  );
  const begun = stages.indexOf(last?.stage ?? stages[0]!);
  return (
    <ol class="stages" aria-label="stages">
      {stages.map((stage, index) => {
        // A recording may end before its time: then it is as long as it was.
        const total = (index < begun ? offsets[stages[index + 1]!] : undefined) ?? planned[stage]!;
        const done = index < begun ? total : index === begun ? (last?.iteration ?? 0) : 0;
        const isSkipped = index < begun && offsets[stages[index + 1]!] === undefined;
        return (
          <li
            key={stage}
            style={{ flexGrow: isSkipped ? 0 : Math.max(total, 1) }}
            class={isSkipped ? "skipped" : ""}
          >
            <span class="bar">
              <span style={{ width: `${(100 * done) / total}%` }} />
            </span>
            <span>
              {STAGE_NAMES[stage]}{" "}
              {isSkipped ? "left out" : `${done.toLocaleString("en")} / ${total.toLocaleString("en")}`}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
