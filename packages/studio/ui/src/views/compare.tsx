import { useEffect, useMemo, useState } from "preact/hooks";
import uPlot from "uplot";
import { FIGURES, figureName, settingsInUse } from "../../../src/pages/index.ts";
import type { Curves, RunCurves, RunDetail, Stage } from "../../../src/wire.ts";
import { shortNumber, showFigure } from "../format.ts";
import { Chart, type ChartLine } from "../parts/chart.tsx";
import type { Axis } from "../parts/run-charts.tsx";
import { SettingsTable } from "../parts/settings.tsx";
import { StateBadge } from "../parts/state-badge.tsx";
import { compareLink, runLink } from "../route.ts";
import type { Runs } from "../runs.ts";
import { getCurves, getRun } from "../server.ts";
import { AxisChoice } from "./run.tsx";

const POINTS = 600;
const COLOURS = 12;

interface Compared {
  id: string;
  detail: RunDetail;
  curves: RunCurves;
}

/** Several runs: one figure in a common chart, when each reaches a level, and how their settings differ. */
export function CompareView({ ids, runs }: { ids: readonly string[]; runs: Runs }) {
  const [axis, setAxis] = useState<Axis>("iterations");
  const [figure, setFigure] = useState("");
  const [level, setLevel] = useState<number>();
  const [baseline, setBaseline] = useState(ids[0] ?? "");
  const version = ids.map((id) => runs.byId.get(id)?.version).join();
  const { compared, problem } = useCompared(ids, axis, version);
  const figures = useMemo(() => figuresOf(compared), [compared]);
  const shown = figures.includes(figure) ? figure : (figures[0] ?? "");
  const { x, lines } = useMemo(() => overlay(compared, shown, axis), [compared, shown, axis]);
  if (ids.length === 0) return <p class="quiet">No runs were chosen.</p>;
  if (problem !== "" && compared.length === 0) return <p role="alert">{problem}</p>;
  if (compared.length === 0) return <p class="quiet">Reading {ids.length} runs…</p>;
  const isPositive = lines.every((line) => line.values.every((value) => value == null || value > 0));
  return (
    <article class="compare">
      <header>
        <a href="#/">All runs</a>
        <h1>Comparison of {compared.length} runs</h1>
        {problem !== "" && <p role="alert">{problem}</p>}
      </header>
      <div class="heading">
        <label>
          <span>figure</span>
          <select
            value={shown}
            onChange={(event) => {
              setLevel(undefined);
              setFigure(event.currentTarget.value);
            }}
          >
            {figures.map((name) => (
              <option key={name} value={name}>
                {figureName(name)}
              </option>
            ))}
          </select>
        </label>
        <AxisChoice axis={axis} onChange={setAxis} />
        <LevelChoice figure={shown} level={level} onChange={setLevel} />
      </div>
      <Chart
        title={figureName(shown)}
        x={x}
        xName={axis}
        lines={lines}
        logarithmic={isPositive && (FIGURES[shown]?.logarithmic ?? false)}
        show={(value) => showFigure(shown, value)}
        height={340}
        level={level}
        onLevel={setLevel}
      />
      <ReachTable
        compared={compared}
        figure={shown}
        axis={axis}
        level={level}
        baseline={baseline}
        onBaseline={setBaseline}
        ids={ids}
      />
      <section>
        <h2>Settings</h2>
        <SettingsTable
          columns={compared.map(({ id, detail, curves }) => ({
            name: id,
            settings: settingsInUse(detail.settings, new Set(Object.keys(curves.done))),
          }))}
        />
      </section>
    </article>
  );
}

function LevelChoice({
  figure,
  level,
  onChange,
}: {
  figure: string;
  level: number | undefined;
  onChange: (level: number | undefined) => void;
}) {
  return (
    <label>
      <span>{FIGURES[figure]?.higherIsBetter ? "at or above" : "at or below"}</span>
      <input
        type="number"
        step="any"
        placeholder="point at the chart"
        value={level === undefined ? "" : Number(level.toPrecision(3))}
        onInput={(event) => {
          const value = event.currentTarget.valueAsNumber;
          onChange(Number.isFinite(value) ? value : undefined);
        }}
      />
    </label>
  );
}

interface ReachProps {
  compared: readonly Compared[];
  ids: readonly string[];
  figure: string;
  axis: Axis;
  level: number | undefined;
  baseline: string;
  onBaseline: (id: string) => void;
}

/** When each run first reaches the level, and how many times sooner than the baseline. The recording is counted. */
function ReachTable({ compared, ids, figure, axis, level, baseline, onBaseline }: ReachProps) {
  const higher = FIGURES[figure]?.higherIsBetter ?? false;
  const reached = new Map(compared.map(({ id, curves }) => [id, reach(curves, figure, axis, level, higher)]));
  const base = reached.get(baseline)?.at;
  return (
    <table class="reach">
      <caption>
        {level === undefined
          ? "Point at the chart, or give a value, to see when each run reaches it. The recording is counted."
          : `First ${higher ? "at or above" : "at or below"} ${showFigure(figure, level)}, the recording counted`}
      </caption>
      <thead>
        <tr>
          <th scope="col">baseline</th>
          <th scope="col">run</th>
          <th scope="col" class="number">
            best
          </th>
          <th scope="col" class="number">
            {axis}
          </th>
          <th scope="col" class="number">
            speed-up
          </th>
          <th scope="col">
            <span class="unseen">leave out</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {compared.map(({ id, detail }, index) => {
          const { at, best } = reached.get(id)!;
          return (
            <tr key={id}>
              <td>
                <input
                  type="radio"
                  name="baseline"
                  checked={id === baseline}
                  aria-label={`${id} is the baseline`}
                  onChange={() => onBaseline(id)}
                />
              </td>
              <th scope="row">
                <span class={`key line-${(index % COLOURS) + 1}`} /> <a href={runLink(id)}>{id}</a>{" "}
                <StateBadge state={detail.summary.state} />
              </th>
              <td class="number">{best === undefined ? "" : showFigure(figure, best)}</td>
              <td class="number">
                {level === undefined ? "" : at === undefined ? "never" : shortNumber(at)}
              </td>
              <td class="number">
                {id !== baseline && at !== undefined && base !== undefined && at > 0
                  ? `${shortNumber(base / at)}×`
                  : ""}
              </td>
              <td>
                <a href={compareLink(ids.filter((one) => one !== id))} aria-label={`leave out ${id}`}>
                  ✕
                </a>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function reach(curves: RunCurves, figure: string, axis: Axis, level: number | undefined, higher: boolean) {
  const source = sourceOf(curves, figure);
  let at: number | undefined;
  let best: number | undefined;
  for (const [row, value] of (source.figures[figure] ?? []).entries()) {
    if (value === null) continue;
    if (best === undefined || (higher ? value > best : value < best)) best = value;
    if (at === undefined && level !== undefined && (higher ? value >= level : value <= level))
      at = source[axis][row];
  }
  return { at, best };
}

/** From the evaluations if they have the figure, else from the live log. */
function sourceOf({ evaluations, live }: RunCurves, figure: string): Curves {
  return evaluations.figures[figure]?.some((value) => value !== null) ? evaluations : live;
}

function figuresOf(compared: readonly Compared[]): string[] {
  const logged = new Set(
    compared.flatMap(({ curves }) =>
      [curves.evaluations, curves.live].flatMap(({ figures }) => Object.keys(figures)),
    ),
  );
  const known = Object.keys(FIGURES).filter((name) => logged.has(name));
  return [...known, ...[...logged].filter((name) => !known.includes(name))];
}

function overlay(
  compared: readonly Compared[],
  figure: string,
  axis: Axis,
): { x: number[]; lines: ChartLine[] } {
  const tables = compared.map(({ curves }): uPlot.AlignedData => {
    const source = sourceOf(curves, figure);
    const values = source.figures[figure] ?? [];
    // Losses of earlier stages are different figures with the same name.
    const belongs = (stage: Stage) => stage !== "record" && !(stage === "imitate" && figure === "loss");
    const kept = values.flatMap((value, row) =>
      value !== null && belongs(source.stages[row]!) ? [row] : [],
    );
    return [kept.map((row) => source[axis][row]!), kept.map((row) => values[row]!)];
  });
  if (tables.length === 0) return { x: [], lines: [] };
  const [x, ...columns] = uPlot.join(tables);
  return {
    x: x as number[],
    lines: columns.map((values, index) => ({
      name: compared[index]!.id,
      values: values as (number | null)[],
      colour: `--line-${(index % COLOURS) + 1}`,
      steps: FIGURES[figure]?.steps ?? false,
      gapless: true,
    })),
  };
}

function useCompared(ids: readonly string[], axis: Axis, version: string) {
  const [compared, setCompared] = useState<Compared[]>([]);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let isOver = false;
    const read = async () => {
      const answers = await Promise.allSettled(
        ids.map(async (id) => {
          const [detail, curves] = await Promise.all([getRun(id), getCurves(id, axis, POINTS)]);
          return { id, detail, curves };
        }),
      );
      if (isOver) return;
      setCompared(answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : [])));
      const missing = ids.filter((_, index) => answers[index]!.status === "rejected");
      setProblem(missing.length > 0 ? `cannot be read: ${missing.join(", ")}` : "");
    };
    void read();
    return () => {
      isOver = true;
    };
  }, [ids.join("\n"), axis, version]);
  return { compared, problem };
}
