import { DisbackError } from "../errors.js";
import type { DenoiserModule } from "../models/denoiser.js";
import { requireSameKind } from "../models/facts.js";
import { guided } from "../models/guided-denoiser.js";
import type { Execution } from "../training/execution.js";
import { backtrack } from "./backtrack.js";
import type { BacktrackingOptions } from "./backtracking-options.js";
import {
  type Decision,
  decide,
  type ImitatedPairs,
  type ImitationOf,
  type ImitationTime,
  imitationSteps,
  type Method,
  samplesAreCheap,
} from "./decide.js";
import { defaults, withDefaults } from "./defaults.js";
import { type DenoiserStudent, requireDenoiserStudent } from "./denoiser-student.js";
import { distillDirectly } from "./direct-distillation.js";
import { type DirectObjective, isDirect } from "./direct-objective.js";
import { type ImitationOptions, imitate } from "./imitate.js";
import type { Objective } from "./objective.js";
import { DiffInstruct } from "./objectives/diff-instruct.js";
import { record } from "./record.js";
import type { RecordingOptions } from "./recording-options.js";
import type { Student } from "./student.js";
import { teacherPairs } from "./teacher-pairs.js";
import type { Trajectory } from "./trajectory.js";

/** Options of a stage, without what the distillation sets: teacher, student and execution. */
type StageOptions<Options> = Omit<Options, "teacher" | "student" | "execution" | "folder" | "trajectory">;

/** Options of a whole distillation. Defaults are those of `disback distill`, see `defaults`. */
export interface DistillationOptions<S extends Student = DenoiserStudent> {
  /** not changed */
  teacher: DenoiserModule;
  /** trained in place; `distill` returns another student with the average of its weights */
  student: S;
  /** default `auto`: decides whether to imitate first and whether a trajectory can pay */
  method?: Method;
  /** folder for the trajectory; required if one is recorded */
  folder?: string;
  /**
   * imitation; `steps: 0` for none; `when: "always"` also where `method` would not imitate, default `needed`; `of`: what is
   * imitated, default `auto`; `pairs`: the teacher's samples
   */
  imitation?: Omit<StageOptions<ImitationOptions>, "samples"> & {
    when?: ImitationTime;
    of?: ImitationOf | "auto";
    pairs?: Partial<ImitatedPairs>;
  };
  /** stage 1, if a trajectory is recorded */
  recording?: StageOptions<RecordingOptions>;
  /** stage 2 */
  backtracking?: Omit<StageOptions<BacktrackingOptions>, "objective"> & {
    /** default Diff-Instruct */
    objective?: Objective | DirectObjective;
  };
  /** execution options for all stages */
  execution?: Execution;
  /** called once with the decision and its reason */
  onDecision?: (decision: Decision) => void;
}

/** The result of a distillation. */
export interface Distilled<S extends Student = DenoiserStudent> {
  /** makes a sample in one or a few evaluations; averaged weights, in evaluation mode */
  student: S;
  decision: Decision;
  /** the trajectory, if one was recorded */
  trajectory?: Trajectory;
}

/**
 * Distills a teacher into a student that makes a sample in one evaluation, or a few: imitates and records where that
 * can pay (`decide`), then backtracks. Does the same as `disback distill` with the same settings, without a run folder.
 *
 * @throws DisbackError naming the wrong option, such as "folder" if it is missing and a trajectory is recorded
 */
export function distill<S extends Student = DenoiserStudent>(options: DistillationOptions<S>): Distilled<S> {
  const { teacher, student, method = "auto", folder, execution, recording } = options;
  const { when, of, pairs, ...imitation } = options.imitation ?? {};
  const { objective, ...backtracking } = options.backtracking ?? {};
  requireSameKind(student.facts, teacher.facts);
  const { seed = 0 } = execution ?? {};
  const { guidance = 1, guidanceOptions } = backtracking;
  const drawn = { ...defaults.imitation.pairs, ...pairs };
  const decision = decide({
    ...{ method, teacher, student, direct: isDirect(objective) },
    imitation: { steps: imitation.steps ?? defaults.imitation.steps, of, when },
    seed,
    samplesAreCheap:
      guidance === 1 && samplesAreCheap(drawn, withDefaults(defaults.backtracking, backtracking)),
    // The levels of the others reach at least as far as the default.
    levels: objective instanceof DiffInstruct ? objective.noise : undefined,
  });
  options.onDecision?.(decision);
  const shared = { teacher, ...(execution ? { execution } : {}) };
  if (decision.imitate) {
    const imitating = requireDenoiserStudent(student, "imitation");
    const samples =
      decision.imitate === "step"
        ? undefined
        : teacherPairs(guided(teacher, guidance, guidanceOptions), imitating, { ...drawn, seed });
    const amounts = imitationSteps(withDefaults(defaults.imitation, imitation), drawn, decision.imitate);
    imitate({ ...imitation, ...shared, ...amounts, student: imitating, samples });
    samples?.dispose();
  }
  if (isDirect(objective)) {
    const asked = requireDenoiserStudent(student, objective.name);
    const result = distillDirectly({ ...backtracking, ...shared, student: asked, objective });
    return { student: result as Student as S, decision };
  }
  const trajectory = decision.record
    ? record({ rank: objective?.rank, ...recording, ...shared, student, folder: folderFor(decision, folder) })
    : undefined;
  const result = backtrack({
    ...backtracking,
    ...shared,
    student,
    trajectory,
    ...(objective ? { objective } : {}),
  });
  return { student: result, decision, ...(trajectory ? { trajectory } : {}) };
}

function folderFor({ why }: Decision, folder: string | undefined): string {
  if (folder !== undefined) return folder;
  throw new DisbackError(`distill: "folder" is needed, because a trajectory is recorded: ${why}`);
}
