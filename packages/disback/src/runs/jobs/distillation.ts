import {
  type Decision,
  decide,
  describeDecision,
  imitationSteps,
  samplesAreCheap,
} from "../../distill/decide.js";
import { LanguageModel } from "../../models/language/language-model.js";
import { type DistillSettings, distillSchema } from "../settings/distillation.js";
import { isDirectName } from "../settings/objectives.js";
import { positionOf } from "../stage-position.js";
import { noiseOf } from "./fit.js";
import { imitateTeacher } from "./imitation.js";
import type { Job, JobContext } from "./job.js";
import { tellMemoryNeeds } from "./memory-line.js";
import { isDenoiserModel, type Networks, openNetworks, studentOf } from "./networks.js";
import { shareRecording } from "./shared-recording.js";
import { type StudentStageStart, trainStudent } from "./student-stage.js";

/**
 * `distill`: imitates and records where that can pay, then backtracks. Writes `trajectory/` and `student/` in the run
 * folder.
 */
export const distillationJob: Job<typeof distillSchema> = {
  command: "distill",
  schema: distillSchema,
  async perform(settings, context) {
    const networks = await openNetworks(settings, (line) => context.progress.notice(line));
    const decision = decideFor(settings, networks);
    // What was asked for need not be told.
    if (settings.method === "auto") context.progress.notice(describeDecision(decision));
    context.run.update({ decision });
    const told = { teacher: networks.teacher, student: studentOf(networks.student, settings) };
    const auxiliary = !isDirectName(settings.backtracking.objective);
    tellMemoryNeeds(settings, told, { auxiliary, nodes: decision.record }, context);
    const { context: second, ...before } = await earlierStages(settings, decision, networks, context);
    return trainStudent(settings, { networks, ...before }, second);
  },
};

type Before = Pick<StudentStageStart, "trajectory" | "iterationsBefore" | "secondsBefore" | "watch">;

/** Depends only on settings and seed, so a resumed run decides the same. */
function decideFor(settings: DistillSettings, { teacher, student }: Networks): Decision {
  const { method, imitation, backtracking, seed } = settings;
  const { guidance } = backtracking;
  if (method === "auto" && !isDenoiserModel(teacher))
    return {
      imitate: false,
      record: false,
      why:
        teacher.module instanceof LanguageModel
          ? "a language model learns from texts that the teacher can judge"
          : "the student learns the teacher's outputs at the same latents",
    };
  return decide({
    ...{ method, imitation, seed, direct: isDirectName(backtracking.objective) },
    samplesAreCheap: guidance === 1 && samplesAreCheap(imitation.pairs, backtracking),
    ...{ teacher: teacher.module, student: studentOf(student, settings) },
    // The levels of the others reach at least as far as the default.
    levels: backtracking.objective === "diff-instruct" ? noiseOf(backtracking.diffInstruct) : undefined,
  });
}

/** Imitates and records as decided, unless the run is already past that. */
async function earlierStages(
  settings: DistillSettings,
  { imitate, record }: Decision,
  networks: Networks,
  context: JobContext,
): Promise<Before & { context: JobContext }> {
  let before: Before & { context: JobContext } = { iterationsBefore: 0, secondsBefore: 0, context };
  if (imitate) {
    const { seconds, context: next, watch } = await imitateTeacher(settings, networks, imitate, context);
    const { imitation } = settings;
    const { steps, sampleSteps } = imitationSteps(imitation, imitation.pairs, imitate);
    before = {
      iterationsBefore: steps + sampleSteps,
      secondsBefore: seconds,
      context: next,
      watch,
    };
  }
  if (!record) return before;
  const iterationsBefore = before.iterationsBefore + settings.recording.steps;
  const { checkpoint, ...fresh } = before.context;
  if (checkpoint && positionOf(checkpoint).stage === "backtrack") {
    // The checkpoints of the last stage hold the seconds before it.
    return { ...before, trajectory: context.run.file("trajectory"), iterationsBefore };
  }
  const { objective, vsd } = settings.backtracking;
  const rank = settings.recording.rank ?? (objective === "vsd" ? vsd.rank : undefined);
  const recording = { ...settings.recording, rank };
  const { folder, seconds } = await shareRecording({ ...settings, recording }, networks, before);
  return { ...before, trajectory: folder, iterationsBefore, secondsBefore: seconds, context: fresh };
}
