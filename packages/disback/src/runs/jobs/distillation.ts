import type { Device } from "@disback/torch";
import { trajectoryNeed } from "../../distill/trajectory-need.js";
import type { ConfiguredDenoiser } from "../../models/config.js";
import { type DistillSettings, distillSchema } from "../settings/distillation.js";
import { positionOf } from "../train-loop.js";
import type { Job, JobContext } from "./job.js";
import { generatorOf, makeStudent, openTeacher } from "./networks.js";
import { recordTrajectory } from "./recording.js";
import { type StudentStageStart, trainStudent } from "./student-stage.js";

/** `distill`: record, then backtrack. Leaves `trajectory/` and `student/` in the run folder. */
export const distillationJob: Job<typeof distillSchema> = {
  command: "distill",
  schema: distillSchema,
  async perform(settings, context) {
    const device = settings.device as Device;
    const teacher = openTeacher(settings.teacher, { device, unconditional: settings.unconditional });
    const student = makeStudent(settings.student, teacher, settings.seed, device);
    const { context: second, ...recorded } = await firstStage(settings, teacher, student, context);
    return trainStudent(settings, { teacher, student, ...recorded }, second);
  },
};

type Recorded = Pick<StudentStageStart, "trajectory" | "iterationsBefore" | "secondsBefore">;

/** Records, unless no trajectory is wanted or needed or the run is past this already. */
async function firstStage(
  settings: DistillSettings,
  teacher: ConfiguredDenoiser,
  student: ConfiguredDenoiser,
  context: JobContext,
): Promise<Recorded & { context: JobContext }> {
  if (settings.method !== "disback" || !wantsTrajectory(settings, teacher, student, context)) {
    return { iterationsBefore: 0, secondsBefore: 0, context };
  }
  const iterationsBefore = settings.recording.steps;
  const { checkpoint, ...fresh } = context;
  if (checkpoint && positionOf(checkpoint).stage === "backtrack") {
    // The seconds before the second stage stand in its checkpoints.
    const trajectory = context.run.file("trajectory");
    return { trajectory, iterationsBefore, secondsBefore: 0, context };
  }
  const { folder, seconds } = await recordTrajectory(settings, teacher, student, context);
  return { trajectory: folder, iterationsBefore, secondsBefore: seconds, context: fresh };
}

/** Decided by the seed alone, so that a resumed run decides the same. */
function wantsTrajectory(
  settings: DistillSettings,
  teacher: ConfiguredDenoiser,
  student: ConfiguredDenoiser,
  { progress }: JobContext,
): boolean {
  if (settings.recording.when === "always") return true;
  const { loss, copy, needed } = trajectoryNeed({
    teacher: teacher.denoiser,
    generator: generatorOf(student, settings),
    sigmaData: teacher.config.sigmaData,
    seed: settings.seed,
  });
  if (!needed) {
    const why = copy ? "is the teacher's copy" : `starts near the teacher (loss ${loss.toFixed(2)}, below 1)`;
    progress.notice(`the student ${why}: no trajectory is needed; --record-when always records one`);
  }
  return needed;
}
