import type { Device } from "@disback/torch";
import { Backtracking } from "../../distill/backtrack.js";
import { DirectDistillation } from "../../distill/direct-distillation.js";
import type { Processes } from "../../distill/processes.js";
import type { StudentGenerator } from "../../distill/student-generator.js";
import { MismatchReached, StepsPerTarget } from "../../distill/target-schedule.js";
import type { Trajectory } from "../../distill/trajectory.js";
import { GuidedDenoiser } from "../../models/guided-denoiser.js";
import type { OpenedModel } from "../open-model.js";
import type { BacktrackSettings } from "../settings/distillation.js";
import { isDirect } from "../settings/objectives.js";
import { createDirectObjective, createObjective, requireGuidable } from "./objective.js";

/** What trains a student. */
export interface TrainingParts {
  teacher: OpenedModel;
  generator: StudentGenerator;
  trajectory: Trajectory | undefined;
  processes: Processes;
}

/**
 * The training that settings ask for: backtracking, with or without a trajectory, or the student's loss alone for an
 * objective that needs no auxiliary model.
 *
 * @throws DisbackError when the objective needs data and there are none, or is guided and the teacher has no classes
 */
export async function createTraining(
  settings: Omit<BacktrackSettings, "trajectory">,
  { teacher, generator, trajectory, processes }: TrainingParts,
): Promise<Backtracking | DirectDistillation> {
  const { seed, microBatch, cudaGraphs: graphs, backtracking } = settings;
  const { schedule, stepsPerTarget, mismatchThreshold, guidance, ...options } = backtracking;
  const { codec } = teacher;
  const data = { ...settings, source: settings.data, device: settings.device as Device, codec };
  requireGuidable(guidance, teacher.config);
  if (isDirect(backtracking.objective)) {
    return new DirectDistillation({
      ...options,
      ...{ seed, microBatch, graphs, processes },
      teacher: guidance === 1 ? teacher.denoiser : new GuidedDenoiser(teacher.denoiser, guidance),
      generator,
      objective: await createDirectObjective(backtracking, teacher.config, data),
    });
  }
  return new Backtracking({
    ...options,
    ...{ seed, microBatch, graphs, processes },
    teacher: teacher.denoiser,
    generator,
    trajectory,
    objective: await createObjective(backtracking, teacher.config, data),
    schedule:
      schedule === "steps"
        ? new StepsPerTarget(stepsPerTarget)
        : new MismatchReached({ threshold: mismatchThreshold, maximumSteps: stepsPerTarget }),
  });
}
