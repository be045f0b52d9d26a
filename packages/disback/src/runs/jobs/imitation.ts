import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ImitationOf, imitationSteps } from "../../distill/decide.js";
import { requireDenoiserStudent } from "../../distill/denoiser-student.js";
import { Imitation, type ImitationOptions } from "../../distill/imitate.js";
import { DisbackError } from "../../errors.js";
import { loadWeights, weightsFile } from "../../models/model-folder.js";
import { loadAdaptersOnly } from "../../models/tasks/adapters-storage.js";
import { TaskAdapters } from "../../models/tasks/task-adapters.js";
import type { DistillSettings } from "../settings/distillation.js";
import { runStage } from "../stage-loop.js";
import { positionOf } from "../stage-position.js";
import { StepTime } from "../step-time.js";
import type { JobContext } from "./job.js";
import { isDenoiserModel, type Networks, studentOf } from "./networks.js";
import { examination, executionOf, sessionOf } from "./session.js";
import { StudentJudge } from "./student-judge.js";
import { drawTeacherPairs, IMITATED_PAIRS } from "./teacher-pairs.js";

/**
 * The student's first stage: it imitates the teacher. The result is stored in `imitated/`, where later stages start and
 * resume.
 *
 * @returns the run's seconds so far, the context for the next stage, and the student's judge for reuse
 */
export async function imitateTeacher(
  settings: DistillSettings,
  { teacher, student: made }: Networks,
  what: ImitationOf,
  context: JobContext,
): Promise<{ seconds: number; context: JobContext; watch?: StudentJudge }> {
  const { checkpoint, ...fresh } = context;
  const folder = context.run.file("imitated");
  if (checkpoint && positionOf(checkpoint).stage !== "imitate" && existsSync(folder)) {
    // The checkpoints of later stages hold the seconds before them.
    if (made.module instanceof TaskAdapters) loadAdaptersOnly(folder, made.module);
    else loadWeights(join(folder, weightsFile), made.module);
    return { seconds: 0, context };
  }
  const student = requireDenoiserStudent(studentOf(made, settings), "imitation");
  const { tolerance, inherit, loss, batchSize, learningRate, pairs } = settings.imitation;
  const amounts = imitationSteps(settings.imitation, pairs, what);
  const execution = executionOf(settings, context);
  if (!isDenoiserModel(teacher))
    throw new DisbackError(
      '"imitation.when": only a denoiser\'s single step can be imitated; this teacher is a generator',
    );
  const spent = new StepTime();
  const samples =
    what === "step"
      ? undefined
      : await drawTeacherPairs(
          {
            ...{ teacher, student, guidance: settings.backtracking.guidance, seed: settings.seed, spent },
            ...{ count: pairs.count, steps: pairs.steps, label: IMITATED_PAIRS },
          },
          context,
        );
  const options: ImitationOptions = {
    teacher: teacher.module,
    student,
    samples,
    ...amounts,
    tolerance,
    inherit,
    loss,
    batchSize,
    learningRate,
    execution,
  };
  const work = new Imitation(options);
  const watch = await StudentJudge.open(settings, teacher, context);
  const seconds = await runStage(
    {
      name: "imitate",
      work,
      iterations: work.steps,
      spent,
      imagesPerIteration: batchSize,
      evaluateEvery: settings.evaluation.every,
      evaluate: (iteration) => watch.evaluate("imitate", iteration, work.average),
      sigmaData: student.facts.sigmaData,
      examine: () => examination(work.networks, student),
    },
    { ...sessionOf(settings, context), iterationsBefore: 0, secondsBefore: 0 },
    checkpoint,
  );
  work.settle();
  work.dispose();
  samples?.dispose();
  if (context.processes.leads) made.save(folder, made.module);
  return { seconds, context: fresh, watch };
}
