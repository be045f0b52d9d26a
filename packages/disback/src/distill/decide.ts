import { inferenceMode, type Module, ops } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { LowRankDenoiser } from "../models/adapters/low-rank-denoiser.js";
import type { DenoiserModule } from "../models/denoiser.js";
import { DenoiserStudent } from "./denoiser-student.js";
import type { NoiseDistribution } from "./noise-distribution.js";
import { measureReach } from "./reach.js";
import type { Student } from "./student.js";

/**
 * - `auto`: decides for each student whether to imitate first and whether a trajectory can pay, and says why;
 * - `disback`: always follows a trajectory, as in the paper;
 * - `plain`: the objective alone (with Diff-Instruct: the baseline).
 */
export const methods = ["auto", "disback", "plain"] as const;

export type Method = (typeof methods)[number];

/** When a student imitates first: where `method` decides that it helps, or always. */
export type ImitationTime = "needed" | "always";

/** The stages that run before the last one, and why. */
export interface Decision {
  /** whether the student first learns to imitate one step of the teacher */
  imitate: boolean;
  /** whether a trajectory is recorded and followed */
  record: boolean;
  /** one line for the user */
  why: string;
}

export interface DecideOptions {
  method: Method;
  teacher: Module;
  /** the student before its first step; teacher and student are put in evaluation mode */
  student: Student;
  /** the objective evaluates the teacher only on samples it was trained for, so a trajectory cannot help */
  direct?: boolean;
  /** the imitation's largest number of steps, 0 for none; and whether to imitate where it is not needed */
  imitation: { steps: number; when?: ImitationTime | undefined };
  /** seed of the samples that are examined */
  seed: number;
  /** the noise levels that the objective uses; default EDM's log-normal */
  levels?: NoiseDistribution | undefined;
}

/**
 * The largest ratio at which the noise levels count as bridging the gap, see `measureReach`. In the plane, levels that do
 * measure 0.96 to 1.05, and those where a trajectory paid 1.3 to 1.5 and more (docs/trajectories.md).
 */
const largestRatio = 1.2;

/**
 * What helps a student, as measured in docs/study.md and docs/trajectories.md:
 *
 * 1. A copy of the teacher needs neither. A trajectory never paid for one.
 * 2. A denoiser that is not a copy imitates. This is cheaper than a trajectory, and better.
 * 3. Where imitation is impossible or not wanted, a trajectory is recorded for points if the noise levels in use do not bridge
 *    the gap between the student and the data (`measureReach`). Where they do, and for pictures, a trajectory only costs.
 *
 * The decision depends only on the seed, so a resumed run decides the same.
 */
export function decide({
  method,
  teacher,
  student,
  direct,
  imitation,
  seed,
  levels,
}: DecideOptions): Decision {
  const { steps, when = "needed" } = imitation;
  const asked = steps > 0 && when === "always";
  if (asked && !(student instanceof DenoiserStudent))
    throw new DisbackError("imitation: the student is not a denoiser and cannot imitate the teacher");
  if (direct)
    return {
      imitate: asked,
      record: false,
      why: "this objective evaluates the teacher only on samples it was trained for",
    };
  if (method === "plain") return { imitate: asked, record: false, why: "the objective alone was asked for" };
  if (method === "disback") return { imitate: asked, record: true, why: "a trajectory was asked for" };
  if (asked) return { imitate: true, record: false, why: "imitation was asked for" };
  if (sameWeights(teacher, student.module))
    return { imitate: false, record: false, why: "the student is a copy of the teacher" };
  if (student instanceof DenoiserStudent && steps > 0)
    return { imitate: true, record: false, why: "the student is not a copy and first imitates the teacher" };
  const { highest, ratio } = measureReach({ teacher: teacher as DenoiserModule, student, levels, seed });
  const far = ratio > largestRatio;
  const arePoints = student.facts.sampleShape.length === 1;
  const found = `from noise of ${highest.toPrecision(2)}, the highest level in use, the teacher ${far ? "does not lead" : "leads"} the student's first samples to the data (its loss there is ${ratio.toFixed(2)} of its own samples')`;
  return {
    imitate: false,
    record: far && arePoints,
    why: far && !arePoints ? `${found}, but for pictures a trajectory has not paid` : found,
  };
}

/** The decision in one line. */
export function describeDecision({ imitate, record, why }: Decision): string {
  const imitation = imitate ? ["imitation"] : [];
  const recording = record ? ["recording", "backtracking"] : ["distillation without a trajectory"];
  return `${[...imitation, ...recording].join(", then ")}: ${why}`;
}

/** Whether a model starts with the same weights as another, or as adapters on it that change nothing. */
export function sameWeights(a: Module, b: Module): boolean {
  if (b instanceof LowRankDenoiser && b.base === a) return b.changesNothing();
  const [left, right] = [a.stateDict(), b.stateDict()];
  if (left.size !== right.size) return false;
  return inferenceMode(() =>
    [...left].every(([key, tensor]) => {
      const other = right.get(key);
      return other !== undefined && tensor.shape.join() === other.shape.join() && ops.equal(tensor, other);
    }),
  );
}
