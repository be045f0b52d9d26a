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

/** What a student imitates: one step of the teacher, its samples, or first the one and then the other. */
export const imitationsOf = ["step", "samples", "both"] as const;

export type ImitationOf = (typeof imitationsOf)[number];

/** The stages that run before the last one, and why. */
export interface Decision {
  /** what of the teacher the student first learns to imitate, if anything */
  imitate: ImitationOf | false;
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
  /** the imitation's largest number of steps, 0 for none; what is imitated, and whether also where it is not needed */
  imitation: { steps: number; of?: ImitationOf | "auto" | undefined; when?: ImitationTime | undefined };
  /** whether to learn some of the teacher's samples first costs little beside the rest of the distillation; default false */
  samplesAreCheap?: boolean;
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
 * 1. A copy of the teacher never gained by a trajectory.
 * 2. A denoiser that is not a copy imitates one step of the teacher. This is cheaper than a trajectory, and better.
 * 3. Both, if they draw pictures or points in one step, imitate some of the teacher's samples after that, if it costs little beside the rest.
 * 4. Where imitation is impossible or not wanted, a trajectory is recorded for points if the noise levels in use do not bridge
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
  samplesAreCheap = false,
}: DecideOptions): Decision {
  const { steps, of = "auto", when = "needed" } = imitation;
  const always = steps > 0 && when === "always";
  if (always && !(student instanceof DenoiserStudent))
    throw new DisbackError("imitation: the student is not a denoiser and cannot imitate the teacher");
  const isCopy = (always || method === "auto") && sameWeights(teacher, student.module);
  const samplesPay = samplesAreCheap && learnsFromSamples(student);
  const what = of !== "auto" ? of : isCopy ? "samples" : samplesPay ? "both" : "step";
  const asked = always && what;
  if (direct)
    return {
      imitate: asked,
      record: false,
      why: "this objective evaluates the teacher only on samples it was trained for",
    };
  if (method === "plain") return { imitate: asked, record: false, why: "the objective alone was asked for" };
  if (method === "disback") return { imitate: asked, record: true, why: "a trajectory was asked for" };
  if (asked) return { imitate: asked, record: false, why: "imitation was asked for" };
  if (isCopy) {
    const learns = steps > 0 && (of === "auto" ? samplesPay : of !== "step");
    const why = `the student is a copy of the teacher${learns ? ", and first learns some of its samples" : ""}`;
    return { imitate: learns && "samples", record: false, why };
  }
  if (student instanceof DenoiserStudent && steps > 0)
    return { imitate: what, record: false, why: "the student is not a copy and first imitates the teacher" };
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
  const [step, samples] = ["the teacher's single step", "the teacher's samples"];
  const told = { step, samples, both: `${step} and its samples` };
  const imitation = imitate ? [`imitation of ${told[imitate]}`] : [];
  const recording = record ? ["recording", "backtracking"] : ["distillation without a trajectory"];
  return `${[...imitation, ...recording].join(", then ")}: ${why}`;
}

/**
 * Whether a student draws pictures or points in one step, of a class or of none, with all its weights and squares as its loss: for
 * these it was measured.
 */
function learnsFromSamples(student: Student): boolean {
  const { sampleShape, condition } = student.facts;
  const told = Object.keys(condition).filter((name) => name !== "class");
  return (
    student instanceof DenoiserStudent &&
    student.evaluations === 1 &&
    !(student.module instanceof LowRankDenoiser) &&
    student.module.restorationLoss === undefined &&
    [1, 3].includes(sampleShape.length) &&
    told.length === 0
  );
}

/** Samples of the teacher that a student imitates: how many, steps of the sampler for each, and passes over them. */
export interface ImitatedPairs {
  count: number;
  steps: number;
  /** default 12, and 24 after the imitation of a step */
  passes?: number | undefined;
}

/** A copy learns few samples by heart soon, and is worse for it. */
export const PASSES = { step: 0, samples: 12, both: 24 } as const;

/** Steps of both parts of an imitation, see `ImitationOptions`. */
export function imitationSteps(
  { steps, batchSize }: { steps: number; batchSize: number },
  { count, passes }: ImitatedPairs,
  what: ImitationOf,
): { steps: number; sampleSteps: number } {
  return {
    steps: what === "samples" ? 0 : steps,
    sampleSteps: what === "step" ? 0 : Math.ceil(((passes ?? PASSES[what]) * count) / batchSize),
  };
}

/**
 * Whether learning the teacher's samples first costs at most a fifth of a distillation, counted in forward passes of a network.
 * An update is three; a step of distribution matching updates the student and the auxiliary model, and asks the target.
 */
export function samplesAreCheap(
  { count, steps, passes = PASSES.both }: ImitatedPairs,
  { iterations, batchSize }: { iterations: number; batchSize: number },
): boolean {
  return 5 * count * (2 * steps - 1 + 3 * passes) <= 7 * iterations * batchSize;
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
