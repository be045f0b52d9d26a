import type { Device } from "@disback/torch";
import { type DistillSettings, distillSchema } from "../settings/distillation.js";
import { positionOf } from "../train-loop.js";
import type { Job, JobContext } from "./job.js";
import { makeStudent, type Network, openTeacher } from "./networks.js";
import { recordTrajectory } from "./recording.js";
import { type StudentStageStart, trainStudent } from "./student-stage.js";

/** `distill`: record, then backtrack. Leaves `trajectory/` and `student/` in the run folder. */
export const distillationJob: Job<typeof distillSchema> = {
  command: "distill",
  schema: distillSchema,
  async perform(settings, context) {
    const device = settings.device as Device;
    const teacher = openTeacher(settings.teacher, device);
    const student = makeStudent(settings.student, teacher, settings.seed, device);
    const { context: second, ...recorded } = await firstStage(settings, teacher, student, context);
    return trainStudent(settings, { teacher, student, ...recorded }, second);
  },
};

type Recorded = Pick<StudentStageStart, "trajectory" | "iterationsBefore" | "secondsBefore">;

/** Records, unless the method needs no trajectory or the run is past this already. */
async function firstStage(
  settings: DistillSettings,
  teacher: Network,
  student: Network,
  context: JobContext,
): Promise<Recorded & { context: JobContext }> {
  if (settings.method !== "disback") return { iterationsBefore: 0, secondsBefore: 0, context };
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
