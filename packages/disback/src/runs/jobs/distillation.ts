import { trajectoryNeed } from "../../distill/trajectory-need.js";
import type { ConfiguredDenoiser } from "../../models/config.js";
import type { OpenedModel } from "../open-model.js";
import { type DistillSettings, distillSchema } from "../settings/distillation.js";
import { isDirect } from "../settings/objectives.js";
import { positionOf } from "../stage-position.js";
import { imitateTeacher, wantsImitation } from "./imitation.js";
import type { Job, JobContext } from "./job.js";
import { generatorOf, makeStudent, openTeacher } from "./networks.js";
import { shareRecording } from "./shared-recording.js";
import { type StudentStageStart, trainStudent } from "./student-stage.js";

/** `distill`: imitate and record where that can pay, then backtrack. Leaves `trajectory/` and `student/` in the run folder. */
export const distillationJob: Job<typeof distillSchema> = {
  command: "distill",
  schema: distillSchema,
  async perform(settings, context) {
    const teacher = openTeacher(settings);
    const student = makeStudent(settings, teacher);
    const { context: second, ...before } = await earlierStages(settings, teacher, student, context);
    return trainStudent(settings, { teacher, student, ...before }, second);
  },
};

type Before = Pick<StudentStageStart, "trajectory" | "iterationsBefore" | "secondsBefore" | "watch">;

/** Imitates and records, unless that is not wanted or not needed or the run is past it already. */
async function earlierStages(
  settings: DistillSettings,
  teacher: OpenedModel,
  student: ConfiguredDenoiser,
  context: JobContext,
): Promise<Before & { context: JobContext }> {
  let before: Before & { context: JobContext } = { iterationsBefore: 0, secondsBefore: 0, context };
  if (wantsImitation(settings)) {
    const { seconds, context: next, watch } = await imitateTeacher(settings, teacher, student, context);
    before = { iterationsBefore: settings.imitation.steps, secondsBefore: seconds, context: next, watch };
  }
  if (settings.method !== "disback" || !wantsTrajectory(settings, teacher, student, context)) return before;
  const iterationsBefore = before.iterationsBefore + settings.recording.steps;
  const { checkpoint, ...fresh } = before.context;
  if (checkpoint && positionOf(checkpoint).stage === "backtrack") {
    // The seconds before the last stage stand in its checkpoints.
    return { ...before, trajectory: context.run.file("trajectory"), iterationsBefore };
  }
  const { objective, vsd } = settings.backtracking;
  const rank = settings.recording.rank ?? (objective === "vsd" ? vsd.rank : undefined);
  const recording = { ...settings.recording, rank };
  const { folder, seconds } = await shareRecording({ ...settings, recording }, teacher, student, before);
  return { ...before, trajectory: folder, iterationsBefore, secondsBefore: seconds, context: fresh };
}

/** Decided by the seed alone, so that a resumed run decides the same. */
function wantsTrajectory(
  settings: DistillSettings,
  teacher: ConfiguredDenoiser,
  student: ConfiguredDenoiser,
  { progress }: JobContext,
): boolean {
  const { objective } = settings.backtracking;
  if (isDirect(objective)) {
    progress.notice(`${objective} asks the teacher only where it is at home: no trajectory is recorded`);
    return false;
  }
  if (settings.recording.when === "always") return true;
  if (wantsImitation(settings)) {
    progress.notice(
      "the student imitated the teacher: no trajectory is needed; --record-when always records one",
    );
    return false;
  }
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
