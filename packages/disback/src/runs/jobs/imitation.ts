import { existsSync } from "node:fs";
import { Imitation } from "../../distill/imitate.js";
import { type ConfiguredDenoiser, loadModel, saveModel } from "../../models/config.js";
import type { OpenedModel } from "../open-model.js";
import type { DistillSettings } from "../settings/distillation.js";
import { isDirect } from "../settings/objectives.js";
import { positionOf } from "../stage-position.js";
import { runStage } from "../train-loop.js";
import type { JobContext } from "./job.js";
import { generatorOf } from "./networks.js";
import { examination, sessionOf } from "./session.js";
import { StudentJudge } from "./student-judge.js";

/** Whether this run's student imitates the teacher first. Decided by the settings alone. */
export function wantsImitation({ imitation, method, student, backtracking }: DistillSettings): boolean {
  if (imitation.steps === 0) return false;
  if (imitation.when === "always") return true;
  return method === "disback" && student !== "same" && !isDirect(backtracking.objective);
}

/**
 * The student's first stage: it imitates the teacher, and is kept in `imitated/`, from which later stages start and
 * resume.
 *
 * @returns the run's seconds so far, the context for the next stage, and what judged the student, to be used again
 */
export async function imitateTeacher(
  settings: DistillSettings,
  teacher: OpenedModel,
  student: ConfiguredDenoiser,
  context: JobContext,
): Promise<{ seconds: number; context: JobContext; watch?: StudentJudge }> {
  const { checkpoint, ...fresh } = context;
  const { processes } = context;
  const folder = context.run.file("imitated");
  if (checkpoint && positionOf(checkpoint).stage !== "imitate" && existsSync(folder)) {
    // The seconds before later stages stand in their checkpoints.
    student.denoiser.loadStateDict(loadModel(folder).denoiser.stateDict());
    return { seconds: 0, context };
  }
  const { when: _, ...options } = settings.imitation;
  const generator = generatorOf(student, settings);
  const { sigmaData } = teacher.config;
  const work = new Imitation({
    ...options,
    ...{ seed: settings.seed, microBatch: settings.microBatch, graphs: settings.cudaGraphs },
    teacher: teacher.denoiser,
    generator,
    processes,
  });
  const watch = await StudentJudge.open(settings, teacher.codec, context);
  const seconds = await runStage(
    {
      name: "imitate",
      label: "imitating",
      work,
      iterations: options.steps,
      imagesPerIteration: options.batchSize,
      evaluateEvery: settings.evaluation.every,
      evaluate: (iteration) => watch.evaluate("imitate", iteration, generator),
      sigmaData,
      examine: () => examination(work.networks, generator, sigmaData),
    },
    { ...sessionOf(settings, context), iterationsBefore: 0, secondsBefore: 0 },
    checkpoint,
  );
  work.dispose();
  if (processes.leads) saveModel(folder, student.denoiser, student.config);
  return { seconds, context: fresh, watch };
}
