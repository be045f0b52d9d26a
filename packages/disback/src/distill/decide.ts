import { Generator, inferenceMode, type Module, ops, scope } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { LowRankDenoiser } from "../models/adapters/low-rank-denoiser.js";
import type { DenoiserModule } from "../models/denoiser.js";
import { DenoiserStudent } from "./denoiser-student.js";
import { denoisingLoss } from "./denoising-loss.js";
import { LogNormal, type NoiseDistribution } from "./noise-distribution.js";
import { deviceOf, type Student } from "./student.js";

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
}

/**
 * What helps a student, as measured in docs/study.md:
 *
 * 1. A copy of the teacher needs neither. A trajectory never paid for one.
 * 2. A denoiser that is not a copy imitates. This is cheaper than a trajectory, and better.
 * 3. Where imitation is impossible or not wanted, a trajectory is recorded if the teacher denoises the student's first
 *    samples worse than no model would: if its denoising loss on them is above 1. The trivial denoiser `c_skip x` has a
 *    loss of about 1 on data (Karras et al. 2022, appendix B.6).
 *
 * The decision depends only on the seed, so a resumed run decides the same. It costs at most one pass of teacher and
 * student.
 */
export function decide({ method, teacher, student, direct, imitation, seed }: DecideOptions): Decision {
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
  if (!(student instanceof DenoiserStudent))
    return {
      imitate: false,
      record: true,
      why: "the student is not a denoiser and cannot imitate the teacher",
    };
  if (steps > 0)
    return { imitate: true, record: false, why: "the student is not a copy and first imitates the teacher" };
  const loss = lossOnFirstSamples({ teacher: teacher as DenoiserModule, student, seed });
  const near = `the teacher's loss on the student's first samples is ${loss.toFixed(2)}`;
  return loss > 1
    ? { imitate: false, record: true, why: `${near}, above 1` }
    : { imitate: false, record: false, why: `${near}, not above 1` };
}

/** The decision in one line. */
export function describeDecision({ imitate, record, why }: Decision): string {
  const imitation = imitate ? ["imitation"] : [];
  const recording = record ? ["recording", "backtracking"] : ["distillation without a trajectory"];
  return `${[...imitation, ...recording].join(", then ")}: ${why}`;
}

/** The teacher's denoising loss on the samples of an untrained student. */
export function lossOnFirstSamples(options: {
  teacher: DenoiserModule;
  student: Student;
  /** noise levels, default EDM's log-normal */
  noise?: NoiseDistribution;
  /** number of samples, default 128 */
  samples?: number;
  /** seed of the samples and their noise, default 0 */
  seed?: number;
}): number {
  const { teacher, student, noise = new LogNormal(), samples = 128, seed = 0 } = options;
  const random = new Generator(seed, deviceOf(student));
  teacher.eval();
  student.module.eval();
  return inferenceMode(() =>
    scope(() => {
      const condition = student.conditions.draw(samples, random);
      const made = student.generate(student.latents(samples, random), condition);
      return denoisingLoss(teacher, made, noise, { random, condition }).item();
    }),
  );
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
