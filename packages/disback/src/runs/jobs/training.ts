import type { Device, Module } from "@disback/torch";
import { Backtracking } from "../../distill/backtrack.js";
import type { BacktrackingOptions } from "../../distill/backtracking-options.js";
import { requireDenoiserStudent } from "../../distill/denoiser-student.js";
import { DirectDistillation, type DirectDistillationOptions } from "../../distill/direct-distillation.js";
import { isDirect } from "../../distill/direct-objective.js";
import { Supervised } from "../../distill/language/supervised.js";
import type { Objective } from "../../distill/objective.js";
import { OutputMatching } from "../../distill/objectives/output-matching.js";
import type { Student } from "../../distill/student.js";
import { MismatchReached, StepsPerTarget, type TargetSchedule } from "../../distill/target-schedule.js";
import type { Trajectory } from "../../distill/trajectory.js";
import { DisbackError } from "../../errors.js";
import type { DenoiserModule } from "../../models/denoiser.js";
import { LanguageModel } from "../../models/language/language-model.js";
import { whileDecoding } from "../long-work.js";
import type { OpenedModel } from "../opened-model.js";
import type { BacktrackSettings } from "../settings/distillation.js";
import { StepTime } from "../step-time.js";
import type { JobContext } from "./job.js";
import { isDenoiserModel } from "./networks.js";
import { createObjective, requireGuidable } from "./objective.js";
import { executionOf } from "./session.js";
import { drawTeacherPairs, guidanceOptionsOf } from "./teacher-pairs.js";

/** Any of the trainings of a student. */
export type StudentTraining = Backtracking<Module> | DirectDistillation<Module, Student>;

/** The inputs of a student's training. */
export interface TrainingParts {
  teacher: OpenedModel<Module>;
  student: Student;
  trajectory: Trajectory | undefined;
  /** gets the time of drawing what the student learns from */
  drawing?: StepTime;
}

/**
 * The training of the settings: backtracking, with or without a trajectory, or a direct loss for an objective without
 * an auxiliary model.
 *
 * @throws DisbackError if the objective needs data and there are none, or guidance is wanted and the teacher has no
 *   classes
 */
export async function createTraining(
  settings: Omit<BacktrackSettings, "trajectory">,
  { teacher, student, trajectory, drawing = new StepTime() }: TrainingParts,
  context: JobContext,
): Promise<StudentTraining> {
  const { backtracking, ablation } = settings;
  const { iterations, batchSize, studentLearningRate, auxiliaryLearningRate, auxiliarySteps } = backtracking;
  const { emaDecay, betas, guidance, idaDecay, rampUp, decay, decayFrom } = backtracking;
  const isLanguage = teacher.module instanceof LanguageModel;
  if (!isLanguage && !isDenoiserModel(teacher))
    return outputMatching(settings, { teacher, student, trajectory }, context);
  const { facts, codec } = teacher;
  const notice = (line: string) => context.progress.notice(line);
  const data = { ...settings, source: settings.data, device: settings.device as Device, codec, notice };
  requireGuidable(guidance, facts);
  const guidanceOptions = guidanceOptionsOf(teacher, guidance);
  const drawPairs = ({ count, steps }: typeof backtracking.pairs) => {
    const asked = requireDenoiserStudent(student, backtracking.objective);
    const from = { teacher: teacher as OpenedModel<DenoiserModule>, student: asked, guidance };
    return drawTeacherPairs({ ...from, count, steps, seed: settings.seed, spent: drawing }, context);
  };
  const objective = await whileDecoding(context, (onDecoding) =>
    createObjective(backtracking, teacher, { ...data, onDecoding }, drawPairs),
  );
  const common = {
    teacher: teacher.module,
    iterations,
    batchSize,
    studentLearningRate,
    auxiliaryLearningRate,
    ...{ rampUp, decay, decayFrom },
    emaDecay,
    ...(betas ? { betas } : {}),
    guidance,
    ...(guidanceOptions ? { guidanceOptions } : {}),
    execution: executionOf(settings, context),
  } satisfies Partial<DirectDistillationOptions<Module, Student> & BacktrackingOptions<Module>>;
  if (isDirect(objective)) {
    if (!(objective instanceof Supervised)) requireDenoiserStudent(student, objective.name);
    return new DirectDistillation<Module, Student>({ ...common, student, objective });
  }
  return new Backtracking<Module>({
    ...common,
    ...{ student, objective, trajectory, auxiliarySteps, idaDecay, ...ablation },
    schedule: scheduleOf(backtracking),
  });
}

/** The training of a student whose teacher is a generator: the outputs at the same latents are compared. */
function outputMatching(
  settings: Omit<BacktrackSettings, "trajectory">,
  { teacher, student, trajectory }: TrainingParts,
  context: JobContext,
): Backtracking<Module> {
  const { backtracking, ablation } = settings;
  const { objective, betas, guidance, idaDecay, rampUp, decay, decayFrom } = backtracking;
  const useless = Object.entries({ guidance: guidance !== 1, idaDecay: idaDecay !== undefined });
  const [refused] = useless.find(([, given]) => given) ?? [];
  if (refused)
    throw new DisbackError(`"backtracking.${refused}": has no effect on a teacher that is no denoiser`);
  if (objective === "diff-instruct")
    context.progress.notice("the teacher is a generator: the objective is output-matching");
  else if (objective !== "output-matching")
    throw new DisbackError(
      `"backtracking.objective": ${objective} needs a denoiser as teacher, and this one is a generator: output-matching`,
    );
  const { iterations, batchSize, studentLearningRate, auxiliaryLearningRate, emaDecay } = backtracking;
  return new Backtracking<Module>({
    ...{ teacher: teacher.module, student, trajectory, iterations, batchSize, emaDecay, ...ablation },
    ...{ studentLearningRate, auxiliaryLearningRate, rampUp, decay, decayFrom, ...(betas ? { betas } : {}) },
    objective: new OutputMatching(backtracking.outputMatching) as Objective<Module>,
    schedule: scheduleOf(backtracking),
    execution: executionOf(settings, context),
  });
}

function scheduleOf({
  schedule,
  stepsPerTarget,
  mismatchThreshold,
}: BacktrackSettings["backtracking"]): TargetSchedule {
  return schedule === "steps"
    ? new StepsPerTarget(stepsPerTarget)
    : new MismatchReached({ threshold: mismatchThreshold, maximumSteps: stepsPerTarget });
}
