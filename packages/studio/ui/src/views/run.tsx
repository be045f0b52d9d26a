import { useEffect, useRef, useState } from "preact/hooks";
import { settingsInUse, shortFigureName, stageNames } from "../../../src/pages/index.ts";
import type { RunCurves, RunDetail } from "../../../src/wire.ts";
import { STAGE_NAMES, shortDuration, shortNumber, shortTime, showFigure } from "../format.ts";
import { Actions } from "../parts/actions.tsx";
import { tileColumns } from "../parts/balanced.ts";
import { type Axis, RunCharts } from "../parts/run-charts.tsx";
import { Samples } from "../parts/samples.tsx";
import { SettingsTable } from "../parts/settings.tsx";
import { Stages, timeLeft } from "../parts/stage-progress.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { TrajectoryPath } from "../parts/trajectory.tsx";
import { UseModel } from "../parts/use-model.tsx";
import { comparisonLink } from "../route.ts";
import { resultLine } from "../run-words.ts";
import type { Runs } from "../runs.ts";
import { getCurves, getRun, type Range } from "../server.ts";

const POINTS = 800;

/** One run: progress, position on the path, samples, curves, settings. */
export function RunView({
  id,
  runs,
  mayAct,
  mayWork,
}: {
  id: string;
  runs: Runs;
  mayAct: boolean;
  /** whether the studio draws and exports */
  mayWork: boolean;
}) {
  const [axis, setAxis] = useState<Axis>("iterations");
  const [range, setRange] = useState<Range>();
  const [again, setAgain] = useState(0);
  const summary = runs.byId.get(id);
  const { detail, curves, zoomed, problem } = useRun(
    id,
    axis,
    range,
    `${summary?.version} ${summary?.state} ${again}`,
  );
  if (problem !== "" && !detail)
    return (
      <section class="empty" role="alert">
        <h1>This run cannot be shown</h1>
        <p>{problem}</p>
        <a href="#/">All runs</a>
      </section>
    );
  if (!detail || !curves) return <p class="quiet">Reading {id}…</p>;
  const run = summary ?? detail.summary;
  const result = resultLine(run);
  const stages = new Set<string>(Object.keys(curves.done));
  return (
    <article class="run">
      <header>
        <div>
          {id !== "." &&
            (run.comparison === undefined ? (
              <a href="#/">All runs</a>
            ) : (
              <a href={comparisonLink(run.comparison)}>The comparison</a>
            ))}
          <h1 title={id}>
            {run.title} <StateBadge state={run.state} />
          </h1>
          {result !== "" && <p class={run.failure === undefined ? "result" : "result bad"}>{result}</p>}
          <p class="quiet">
            {id !== "." && `${id.split("/").at(-1)} · `}
            {run.how} · seed {run.seed} · started {shortTime(run.startedAt)}
          </p>
          {!summary && <p role="alert">This run's folder is gone; this is its last known state.</p>}
        </div>
        <Actions run={run} asked={detail.asked} mayAct={mayAct} onDone={() => setAgain(again + 1)} />
      </header>
      <Samples detail={{ ...detail, summary: run }} curves={curves} />
      {mayWork && detail.hasModel && <UseModel detail={detail} mayAct={mayAct} />}
      <section>
        <h2>Progress</h2>
        <Stages last={run.last} planned={detail.planned} done={curves.done} />
        <Tiles detail={detail} done={curves.done} />
      </section>
      {detail.path && detail.path.length > 0 && (
        <section>
          <h2>Trajectory</h2>
          <TrajectoryPath path={detail.path} live={curves.live} last={run.last} />
        </section>
      )}
      <section>
        <div class="heading">
          <h2>Curves</h2>
          <AxisChoice
            axis={axis}
            onChange={(chosen) => {
              setRange(undefined);
              setAxis(chosen);
            }}
          />
          {range && (
            <button type="button" onClick={() => setRange(undefined)}>
              Show everything
            </button>
          )}
          <span class="quiet wide-only">drag across a chart to look closer</span>
        </div>
        <RunCharts curves={zoomed ?? curves} axis={axis} result={detail.result ?? {}} onZoom={setRange} />
      </section>
      <section>
        <details>
          <summary>Settings in use</summary>
          <SettingsTable columns={[{ name: "value", settings: settingsInUse(detail.settings, stages) }]} />
        </details>
        <details>
          <summary>Versions and machine</summary>
          <SettingsTable
            columns={[{ name: "value", settings: { versions: detail.versions, machine: detail.machine } }]}
          />
        </details>
      </section>
    </article>
  );
}

export function AxisChoice({ axis, onChange }: { axis: Axis; onChange: (axis: Axis) => void }) {
  return (
    <label>
      <span>by</span>
      <select
        aria-label="horizontal axis"
        value={axis}
        onChange={(event) => onChange(event.currentTarget.value as Axis)}
      >
        <option>iterations</option>
        <option>images</option>
        <option>seconds</option>
      </select>
    </label>
  );
}

/** The current figures. */
function Tiles({ detail, done }: { detail: RunDetail; done: RunCurves["done"] }) {
  const { last, headline, seconds, state } = detail.summary;
  const tiles: [name: string, value: string, note?: string][] = [];
  if (headline)
    tiles.push([
      shortFigureName(headline.name),
      shortNumber(headline.value),
      `iteration ${headline.iteration}`,
    ]);
  if (headline?.teacher !== undefined)
    tiles.push([`The teacher's ${shortFigureName(headline.name)}`, shortNumber(headline.teacher)]);
  for (const figure of ["loss", "mismatch", "learningRate", "rate", "memoryBytes", "peakMemoryBytes"]) {
    const value = last?.[figure];
    if (typeof value === "number") tiles.push([shortFigureName(figure), showFigure(figure, value)]);
  }
  if (seconds !== undefined) tiles.push(["Time", shortDuration(seconds), "of the whole run"]);
  const left = last && state === "running" ? timeLeft(last) : undefined;
  if (left !== undefined) tiles.push(["Time left", left, "of this stage"]);
  const newest = detail.checkpoints.at(-1);
  if (newest !== undefined)
    tiles.push(["Newest checkpoint", ...checkpointText(newest, detail.planned, done)]);
  return (
    <dl class="tiles" style={tileColumns(tiles.length)}>
      {tiles.map(([name, value, note]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
          {note && <dd class="quiet">{note}</dd>}
        </div>
      ))}
    </dl>
  );
}

/** The run's detail and curves, reloaded when `version` changes; one request at a time, none while hidden. */
function useRun(id: string, axis: Axis, range: Range | undefined, version: string) {
  const [detail, setDetail] = useState<RunDetail>();
  const [curves, setCurves] = useState<RunCurves>();
  const [zoomed, setZoomed] = useState<RunCurves>();
  const [problem, setProblem] = useState("");
  const wanted = useRef("");
  const isReading = useRef(false);
  const view = useRef({ axis, range });
  view.current = { axis, range };
  const key = `${version} ${axis} ${range?.from} ${range?.to}`;
  useEffect(() => {
    wanted.current = key;
    const read = async () => {
      if (isReading.current || document.hidden) return;
      isReading.current = true;
      try {
        for (let done = ""; done !== wanted.current; ) {
          done = wanted.current;
          const { axis, range } = view.current;
          const [newDetail, whole, part] = await Promise.all([
            getRun(id),
            getCurves(id, axis, POINTS),
            range && getCurves(id, axis, POINTS, range),
          ]);
          setDetail(newDetail);
          setCurves(whole);
          setZoomed(part);
          setProblem("");
        }
      } catch (error) {
        setProblem(error instanceof Error ? error.message : String(error));
      } finally {
        isReading.current = false;
      }
    };
    void read();
    document.addEventListener("visibilitychange", read);
    return () => document.removeEventListener("visibilitychange", read);
  }, [id, key]);
  return { detail, curves, zoomed, problem };
}

/** Checkpoints count all stages; earlier stages count with their planned iterations, even if they ended sooner. */
function checkpointText(
  checkpoint: number,
  planned: RunDetail["planned"],
  done: RunCurves["done"],
): [value: string, note: string] {
  const stages = stageNames.filter((stage) => done[stage] !== undefined && planned[stage] !== undefined);
  let rest = checkpoint;
  for (const stage of stages) {
    if (rest <= planned[stage]! || stage === stages.at(-1))
      return [rest.toLocaleString("en"), STAGE_NAMES[stage]];
    rest -= planned[stage]!;
  }
  return [rest.toLocaleString("en"), ""];
}
