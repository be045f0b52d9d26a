import type { Device } from "@disback/torch";
import { kindOf } from "../../distill/student-kind.js";
import { Trajectory } from "../../distill/trajectory.js";
import { BEST_BY, keepBestModel } from "../best-model.js";
import { showWork } from "../long-work.js";
import { decodedDrawer, samplerOf } from "../sample-drawer.js";
import type { BacktrackSettings } from "../settings/distillation.js";
import { isAnyStepName } from "../settings/objectives.js";
import { runStage } from "../stage-loop.js";
import type { BestSoFar } from "../stage-position.js";
import { StepTime } from "../step-time.js";
import { writeStudentFile } from "../student-file.js";
import { summarizeStudent } from "./comparison.js";
import type { JobContext, JobResult } from "./job.js";
import { drawingOptions, drawPicture } from "./judging.js";
import { type Networks, studentOf } from "./networks.js";
import { examination, sessionOf } from "./session.js";
import { StudentJudge } from "./student-judge.js";
import { createTraining } from "./training.js";

/** The inputs of stage 2. */
export interface StudentStageStart {
  networks: Networks;
  /** The trajectory's folder; without one the objective alone. */
  trajectory?: string;
  /** The judge of an earlier stage; opened if absent. */
  watch?: StudentJudge | undefined;
  /** Iterations and seconds of the earlier stages. */
  iterationsBefore: number;
  secondsBefore: number;
}

/** Stage 2 inside any run: trains the student, evaluates it beside the teacher, writes `student/`. */
export async function trainStudent(
  settings: Omit<BacktrackSettings, "trajectory">,
  start: StudentStageStart,
  context: JobContext,
): Promise<JobResult> {
  const began = performance.now();
  const { run, processes } = context;
  const { evaluation, backtracking, checkpoints } = settings;
  const { trajectory, iterationsBefore, secondsBefore } = start;
  const { teacher, student: made } = start.networks;
  const device = settings.device as Device;
  const { codec } = teacher;
  const watch = start.watch ?? (await StudentJudge.open(settings, teacher, context));
  const student = studentOf(made, settings);
  const path = trajectory === undefined ? undefined : Trajectory.open(trajectory);
  if (path) run.update({ path: path.nodes.map(({ file: _, ...facts }) => facts) });
  const drawing = new StepTime();
  const work = await createTraining(settings, { teacher, student, trajectory: path, drawing }, context);
  const drawStudent = () => watch.drawer(work.average);
  const drawTeacher = () => {
    const options = { ...drawingOptions(evaluation, device), encoded: teacher.prompts };
    return decodedDrawer(samplerOf(teacher, options), codec);
  };
  const save = (folder: string) => {
    made.save(folder, work.average.module);
    const anySteps = isAnyStepName(backtracking.objective);
    writeStudentFile(folder, { ...kindOf(student), ...(anySteps ? { anySteps } : {}) });
  };
  const keepBest = (best: BestSoFar) => keepBestModel(run, "student-best", best, save);

  const reference = evaluation.teacher
    ? await showWork(context, { label: "drawing the teacher's samples", total: evaluation.grid }, (between) =>
        processes.first(() =>
          drawPicture(run.file("samples", "reference.png"), drawTeacher(), evaluation.grid, between),
        ),
      )
    : undefined;
  const before = performance.now() - began;
  const trained = await runStage(
    {
      name: "backtrack",
      label: trajectory === undefined ? "distilling" : "backtracking",
      work,
      iterations: backtracking.iterations,
      processorSeconds: backtracking.processorSeconds,
      spent: drawing,
      imagesPerIteration: backtracking.batchSize,
      evaluateEvery: evaluation.every,
      evaluate: (iteration) => watch.evaluate("backtrack", iteration, work.average),
      sigmaData: teacher.facts.sigmaData,
      examine: () => examination(work.networks, { facts: student.facts, device }),
      ...(checkpoints.keepBest ? { best: { figures: BEST_BY, keep: keepBest } } : {}),
    },
    { ...sessionOf(settings, context), iterationsBefore, secondsBefore },
    context.checkpoint,
  );

  const after = performance.now();
  const folder = run.file("student");
  if (processes.leads) save(folder);
  const result = await summarizeStudent({
    entries: run.metrics.read(),
    teacherSpread: reference?.spread,
    seconds: () => trained + (before + performance.now() - after) / 1000,
    ...(watch.judge ? { judge: watch.judge } : {}),
    samples: evaluation.samples,
    batchSize: evaluation.batchSize,
    drawStudent,
    ...(evaluation.teacher ? { drawTeacher } : {}),
    context,
    places: [
      ...(trajectory === undefined ? [] : [["trajectory", trajectory] as [string, string]]),
      ["student", folder],
    ],
  });
  work.dispose();
  return result;
}
