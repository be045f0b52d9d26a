import { followedFigures } from "../../metrics/metric-names.js";
import { describeDiagnosis, diagnose } from "../diagnosis.js";
import type { SampleJudge } from "../judge.js";
import { showWork } from "../long-work.js";
import type { MetricsEntry } from "../metrics-log.js";
import type { SampleDrawer } from "../sample-drawer.js";
import { FIGURE_NAMES, shortDuration, shortNumber } from "../wording.js";
import type { JobContext, JobResult } from "./job.js";
import { type Judged, judgeDrawer, waitFor } from "./judging.js";

/** A trained student and its teacher. */
export interface Comparison {
  entries: readonly MetricsEntry[];
  /** standard deviation of the teacher's samples, if it was drawn */
  teacherSpread?: number | undefined;
  /** Called when all is judged: seconds of the whole run. */
  seconds: () => number;
  judge?: SampleJudge;
  /** Number of samples for each figure. */
  samples: number;
  batchSize: number;
  drawStudent: () => SampleDrawer;
  /** Absent: only the student is evaluated and timed. */
  drawTeacher?: () => SampleDrawer;
  /** The processes evaluate together; only the first one times the models. */
  context: JobContext;
  places: [name: string, path: string][];
}

/** Evaluates the teacher like the student, times both, and compares them. */
export async function summarizeStudent(comparison: Comparison): Promise<JobResult> {
  const { entries, judge, context, drawStudent, drawTeacher } = comparison;
  const judgedTeacher = judge && drawTeacher ? await judgeTeacher(judge, drawTeacher, comparison) : undefined;
  const teacher = judgedTeacher?.figures ?? {};
  const judged = entries.filter((entry) => entry.stage === "backtrack");
  const problems = diagnose(judged, comparison).map(describeDiagnosis);
  const [first, last] = [judged[0] ?? {}, judged.at(-1) ?? {}] as Record<string, number | undefined>[];
  const rate = async (who: string, drawer: SampleDrawer) =>
    context.processes.leads ? timeDrawer(who, drawer, comparison) : undefined;
  // Judging has timed it already.
  const teacherRate = drawTeacher && (judgedTeacher?.rate ?? (await rate("the teacher", drawTeacher())));
  const studentRate = await rate("the student", drawStudent());
  const studentEvaluations = drawStudent().evaluations;
  const evaluations = drawTeacher?.().evaluations;

  const seconds = comparison.seconds();

  const columns = followedFigures.filter((name) => last[name] !== undefined);
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
      seconds,
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
      ["time", shortDuration(seconds)],
      ...comparison.places,
    ],
  };
}

function judgeTeacher(
  judge: SampleJudge,
  drawTeacher: () => SampleDrawer,
  comparison: Comparison,
): Promise<Judged> {
  const { context, samples } = comparison;
  return showWork(context, { label: "judging the teacher", total: samples }, (between) =>
    judgeDrawer(judge, drawTeacher(), comparison, context.processes, between),
  );
}

/** Seconds of drawing that suffice to time a model. */
const ENOUGH = 0.5;
/** Samples of the first batch, which only shows how long a larger one takes. */
const FEW = 8;

/** Samples per second: the best of a few batches, with about half a second of work after a first look. */
function timeDrawer(who: string, drawer: SampleDrawer, { context, batchSize }: Comparison): Promise<number> {
  return showWork(context, { label: `timing ${who}`, total: FEW + 2 * batchSize }, async (between) => {
    const timed = async (count: number, before: number) => {
      const began = performance.now();
      const { samples } = await drawer.drawInParts(count, (done) => between(before + done));
      waitFor(samples);
      samples.dispose();
      return (performance.now() - began) / 1000;
    };
    // The first of a process is slower, so it is not timed.
    await timed(1, 0);
    let best = FEW / (await timed(FEW, 0));
    // A slow model needs no large batch.
    const size = Math.max(FEW, Math.min(batchSize, Math.ceil(2 * ENOUGH * best)));
    let spent = 0;
    for (let batches = 0; batches < 2 || spent < ENOUGH; batches++) {
      const seconds = await timed(size, FEW + Math.min(batches, 1) * size);
      spent += seconds;
      best = Math.max(best, size / seconds);
    }
    return best;
  });
}

function named(figures: Record<string, number | undefined>, columns: readonly string[], ending: string) {
  return Object.fromEntries(
    columns.flatMap((column) => (figures[column] === undefined ? [] : [[column + ending, figures[column]]])),
  );
}

function capital(word: string): string {
  return word[0]!.toUpperCase() + word.slice(1);
}
