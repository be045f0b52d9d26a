import { useMemo } from "preact/hooks";
import { FIGURES, figureName } from "../../../src/pages/index.ts";
import type { Curves, RunCurves } from "../../../src/wire.ts";
import { showFigure } from "../format.ts";
import type { Range } from "../server.ts";
import { firstChartSpan } from "./balanced.ts";
import { Chart, type ChartLine } from "./chart.tsx";

export type Axis = "iterations" | "images" | "seconds";

interface RunChartsProps {
  curves: RunCurves;
  axis: Axis;
  /** The teacher's figures from the run's result. */
  result: Record<string, unknown>;
  onZoom: (range: Range) => void;
}

/** One chart for every logged figure, with a common cursor. */
export function RunCharts({ curves, axis, result, onZoom }: RunChartsProps) {
  const charts = useMemo(() => chartsOf(curves, axis, result), [curves, axis, result]);
  if (charts.length === 0) return <p class="quiet">No figures yet.</p>;
  return (
    <div class="charts" style={firstChartSpan(charts.length)}>
      {charts.map(({ figure, x, lines, shadedTo, logarithmic }) => (
        <Chart
          key={figure}
          title={figureName(figure)}
          x={x}
          xName={axis}
          lines={lines}
          logarithmic={logarithmic}
          show={(value) => showFigure(figure, value)}
          shadedTo={shadedTo}
          group="run"
          onZoom={(from, to) => onZoom({ from, to })}
        />
      ))}
    </div>
  );
}

function chartsOf({ live, evaluations }: RunCurves, axis: Axis, result: Record<string, unknown>) {
  const known = Object.keys(FIGURES);
  const logged = new Set([...Object.keys(live.figures), ...Object.keys(evaluations.figures)]);
  const figures = [
    ...known.filter((name) => logged.has(name)),
    ...[...logged].filter((name) => !known.includes(name)),
  ];
  // Without a trajectory the target is always the teacher.
  const telling = figures.filter(
    (figure) => figure !== "target" || live.figures.target?.some((value) => value),
  );
  return telling.map((figure) => {
    const curves = hasValues(live, figure) ? live : evaluations;
    const { x, values, shadedTo } = withGaps(curves, figure, axis);
    const lines: ChartLine[] = [
      { name: figureName(figure), values, colour: "--line-1", steps: FIGURES[figure]?.steps ?? false },
    ];
    const teacher = result[`teacher${figure[0]!.toUpperCase()}${figure.slice(1)}`];
    // Figures of evaluations have a teacher's figure to compare with; figures of steps do not.
    if (typeof teacher === "number" && curves === evaluations)
      lines.push({ name: "teacher", values: x.map(() => teacher), colour: "--line-2", dash: [6, 4] });
    const isPositive = values.every((value) => value === null || value > 0);
    return { figure, x, lines, shadedTo, logarithmic: isPositive && (FIGURES[figure]?.logarithmic ?? false) };
  });
}

const hasValues = ({ figures }: Curves, figure: string) =>
  figures[figure]?.some((value) => value !== null) ?? false;

/** A figure by position, with a gap where one stage ends and the next begins. */
function withGaps(curves: Curves, figure: string, axis: Axis) {
  const x: number[] = [];
  const values: (number | null)[] = [];
  let shadedTo: number | undefined;
  let stage: string | undefined;
  for (const [row, value] of (curves.figures[figure] ?? []).entries()) {
    const at = curves[axis][row]!;
    if (curves.stages[row] === "imitate" || curves.stages[row] === "record") shadedTo = at;
    if (value === null) continue;
    if (stage !== undefined && stage !== curves.stages[row]) {
      x.push(x.at(-1)!);
      values.push(null);
    }
    stage = curves.stages[row];
    x.push(at);
    values.push(value);
  }
  return { x, values, shadedTo };
}
