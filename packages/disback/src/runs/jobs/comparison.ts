import type { Processes } from "../../training/processes.js";
import { describeDiagnosis, diagnose } from "../diagnosis.js";
import type { Judge } from "../judge.js";
import type { MetricsEntry } from "../metrics-log.js";
import type { Progress } from "../progress.js";
import type { SampleDrawer } from "../sample-drawer.js";
import { FIGURE_NAMES, shortDuration, shortNumber } from "../wording.js";
import type { JobResult } from "./job.js";
import { judgeDrawer } from "./judging.js";

/** A trained student and its teacher. */
export interface Comparison {
  entries: readonly MetricsEntry[];
  /** standard deviation of the teacher's samples, if it was drawn */
  teacherSpread?: number | undefined;
  seconds: number;
  judge?: Judge;
  /** Number of samples for each figure. */
  samples: number;
  batchSize: number;
  drawStudent: () => SampleDrawer;
  /** Absent: only the student is evaluated and timed. */
  drawTeacher?: () => SampleDrawer;
  progress: Progress;
  /** Evaluate together; only the first one times the models. */
  processes: Processes;
  places: [name: string, path: string][];
}

const HEADLINES = ["fid", "slicedWasserstein", "modeCoverage"];

/** Evaluates the teacher like the student, times both, and compares them. */
export async function summarizeStudent(comparison: Comparison): Promise<JobResult> {
  const { entries, judge, progress, drawStudent, drawTeacher } = comparison;
  const teacher = judge && drawTeacher ? await judgeTeacher(judge, drawTeacher, comparison) : {};
  const judged = entries.filter((entry) => entry.stage === "backtrack");
  const problems = diagnose(judged, comparison).map(describeDiagnosis);
  const [first, last] = [judged[0] ?? {}, judged.at(-1) ?? {}] as Record<string, number | undefined>[];
  progress.remark?.("timing the models");
  const rate = (drawer: SampleDrawer) =>
    comparison.processes.leads ? rateOf(drawer, comparison.batchSize) : undefined;
  const teacherRate = drawTeacher && rate(drawTeacher());
  const studentRate = rate(drawStudent());
  const studentEvaluations = drawStudent().evaluations;
  const evaluations = drawTeacher?.().evaluations;

  const columns = HEADLINES.filter((name) => last[name] !== undefined);
  const row = (
    name: string,
    nfe: number,
    figures: Record<string, number | undefined>,
    rate: number | undefined,
  ) => [
    name,
    String(nfe),
    ...columns.map((column) => (figures[column] === undefined ? "" : shortNumber(figures[column]))),
    rate === undefined ? "" : shortNumber(rate),
  ];
  return {
    figures: {
      ...named(first, columns, "Start"),
      ...named(last, columns, "End"),
      ...Object.fromEntries(
        columns.flatMap((column) =>
          teacher[column] === undefined ? [] : [[`teacher${capital(column)}`, teacher[column]]],
        ),
      ),
      ...(evaluations === undefined ? {} : { teacherEvaluations: evaluations, teacherRate }),
      studentRate,
      studentEvaluations,
      seconds: comparison.seconds,
      ...(problems.length > 0 ? { problems } : {}),
      ...(comparison.teacherSpread === undefined ? {} : { teacherSpread: comparison.teacherSpread }),
      ...(judge ? { measuredWith: judge.describe(comparison.samples) } : {}),
    },
    table: [
      ["", "NFE", ...columns.map((column) => FIGURE_NAMES[column]!), "samples/s"],
      row("student at start", studentEvaluations, first, undefined),
      row("student at end", studentEvaluations, last, studentRate),
      ...(evaluations === undefined ? [] : [row("teacher", evaluations, teacher, teacherRate)]),
    ],
    places: [
      ...problems.map((line): [string, string] => ["problem", line]),
      ["time", shortDuration(comparison.seconds)],
      ...comparison.places,
    ],
  };
}

async function judgeTeacher(
  judge: Judge,
  drawTeacher: () => SampleDrawer,
  comparison: Comparison,
): Promise<Record<string, number>> {
  const { progress, samples } = comparison;
  progress.start("judging the teacher", samples, 0, "samples");
  try {
    return await judgeDrawer(judge, drawTeacher(), samples, comparison.processes, (done) =>
      progress.update(done, {}),
    );
  } finally {
    progress.finish();
  }
}

/** Samples per second: the best of a few batches after a warm-up, with at least half a second of work. */
function rateOf(drawer: SampleDrawer, batchSize: number): number {
  drawer.draw(batchSize).samples.dispose();
  let best = 0;
  let spent = 0;
  for (let batches = 0; batches < 2 || spent < 0.5; batches++) {
    const began = performance.now();
    const { samples } = drawer.draw(batchSize);
    // Reading a value waits for asynchronous devices.
    samples.flatten().select(0, 0).item();
    samples.dispose();
    const seconds = (performance.now() - began) / 1000;
    spent += seconds;
    best = Math.max(best, batchSize / seconds);
  }
  return best;
}

function named(figures: Record<string, number | undefined>, columns: readonly string[], ending: string) {
  return Object.fromEntries(
    columns.flatMap((column) => (figures[column] === undefined ? [] : [[column + ending, figures[column]]])),
  );
}

function capital(word: string): string {
  return word[0]!.toUpperCase() + word.slice(1);
}
