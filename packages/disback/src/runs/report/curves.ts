import { FIGURES, figureName, shortFigureName } from "@disback/studio/pages";
import { followedFigures } from "../../metrics/metric-names.js";
import type { MetricsEntry } from "../metrics-log.js";
import { teacherFigure } from "./headline.js";

/** One line in a chart. */
export interface Curve {
  name: string;
  points: [number, number][];
  /** Drawn as steps: the value holds until the next point. */
  steps?: boolean;
  /** Index of its colour; default its index among the curves. */
  colour?: number;
  /** Drawn thin and pale, and not in the legend: a single seed behind the median. */
  faint?: boolean;
}

/** One chart of the report. */
export interface ChartContent {
  title: string;
  xName: string;
  curves: Curve[];
  /** Logarithmic y axis; only if all values are positive. */
  logarithmic?: boolean;
  /** Values that must be in view. */
  inView?: [lowest: number, highest: number];
  /** Whether values are whole numbers. */
  whole?: boolean;
  /** Horizontal line to compare with, for example the teacher's FID. */
  reference?: { name: string; value: number };
}

/** Figures of a training besides FID. */
const JUDGED = [
  ...followedFigures.filter((figure) => figure !== "fid"),
  "mismatch",
  "gap",
  "loss",
  "gradientNorm",
  "target",
];

/** The charts of a run's metrics; charts with fewer than two points are left out. */
export function chartsOf(
  entries: readonly MetricsEntry[],
  result: Readonly<Record<string, unknown>> = {},
): ChartContent[] {
  const [imitated, recorded] = ["imitate", "record"].map((stage) =>
    entries.filter((entry) => entry.stage === stage),
  ) as [MetricsEntry[], MetricsEntry[]];
  const judged = entries.filter(({ stage }) => stage !== "imitate" && stage !== "record");
  const besideTeacher = (figure: string) => {
    const value = result[teacherFigure(figure)];
    return typeof value === "number" ? { reference: { name: "teacher", value } } : {};
  };
  /** A figure of the evaluations, with its name from the table of figures. */
  const judgedChart = (figure: string): ChartContent => ({
    title: figureName(figure),
    xName: "iteration",
    logarithmic: FIGURES[figure]?.logarithmic ?? false,
    whole: figure === "target",
    curves: [{ ...curve(shortFigureName(figure), judged, figure), steps: FIGURES[figure]?.steps ?? false }],
    ...besideTeacher(figure),
  });
  const charts: ChartContent[] = [
    judgedChart("fid"),
    {
      ...judgedChart("fid"),
      title: "FID by time",
      xName: "seconds",
      curves: [curve("FID", judged, "fid", "seconds")],
    },
    // Without a trajectory the target is always the teacher.
    ...JUDGED.filter((figure) => figure !== "target" || judged.some(({ target }) => target)).map(judgedChart),
    {
      title: "Imitation: squared difference to the teacher's one-step samples",
      xName: "step",
      logarithmic: true,
      curves: [curve("loss", imitated, "loss")],
    },
    {
      title: "Recording: loss on the initial student's samples",
      xName: "step",
      logarithmic: true,
      curves: [curve("loss", recorded, "loss")],
    },
  ];
  return charts
    .map((chart) => ({ ...chart, curves: chart.curves.filter(({ points }) => points.length >= 2) }))
    .filter((chart) => chart.curves.length > 0);
}

function curve(name: string, entries: readonly MetricsEntry[], y: string, x = "iteration"): Curve {
  const points = entries.flatMap((entry): [number, number][] => {
    const [a, b] = [entry[x], entry[y]];
    return typeof a === "number" && typeof b === "number" ? [[a, b]] : [];
  });
  return { name, points };
}
