import { Generator, inferenceMode, type Module, ops, scope } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { DenoiserModule } from "../models/denoiser.js";
import { DenoiserStudent } from "./denoiser-student.js";
import { denoisingLoss } from "./denoising-loss.js";
import { LogNormal, type NoiseDistribution } from "./noise-distribution.js";
import type { Student } from "./student.js";

/**
 * - `auto`: decides for each student whether it imitates first and whether a trajectory can pay, and says why;
 * - `disback`: always along a trajectory, as in the paper;
 * - `plain`: the objective alone (with Diff-Instruct: the baseline).
 */
export const methods = ["auto", "disback", "plain"] as const;

export type Method = (typeof methods)[number];

/** What a distillation does before its last stage, and why. */
export interface Decision {
  /** the student first learns to answer as the teacher does in one step */
  imitate: boolean;
  /** a trajectory is recorded and followed */
  record: boolean;
  /** one line for people */
  why: string;
}

export interface DecideOptions {
  method: Method;
  teacher: Module;
  /** before its first step; both are put in evaluation mode */
  student: Student;
  /** the objective asks the teacher only where it is at home: no trajectory goes with it */
  direct?: boolean;
  /** steps of the imitation at most, 0 for none; and whether it is wanted where it is not needed */
  imitation: { steps: number; when?: "needed" | "always" };
  /** decides the samples that are looked at */
  seed: number;
}

/**
 * What helps a student, as measured in docs/study-2d.md and docs/study-images.md:
 *
 * 1. A copy of the teacher needs neither: no trajectory ever paid for it.
 * 2. A denoiser that is no copy imitates. That is cheaper than a trajectory, and better.
 * 3. Where imitation is not possible or not wanted, a trajectory is recorded if the teacher restores the student's first
 *    samples worse than no model at all would: if its denoising loss on them is above 1, in units in which the trivial
 *    denoiser `c_skip x` has about 1 on data (Karras et al. 2022, appendix B.6).
 *
 * Depends on the seed alone, so that a resumed run decides the same. Costs one pass of teacher and student at most.
 */
export function decide({ method, teacher, student, direct, imitation, seed }: DecideOptions): Decision {
  const { steps, when = "needed" } = imitation;
  const asked = steps > 0 && when === "always";
  if (asked && !(student instanceof DenoiserStudent))
    throw new DisbackError("imitation: the student is no denoiser and cannot imitate the teacher");
  if (direct)
    return { imitate: asked, record: false, why: "this objective asks the teacher only where it is at home" };
  if (method === "plain") return { imitate: asked, record: false, why: "the objective alone was asked for" };
  if (method === "disback") return { imitate: asked, record: true, why: "a trajectory was asked for" };
  if (asked) return { imitate: true, record: false, why: "imitation was asked for" };
  if (sameWeights(teacher, student.module))
    return { imitate: false, record: false, why: "the student is the teacher's copy" };
  if (!(student instanceof DenoiserStudent))
    return { imitate: false, record: true, why: "the student is no denoiser and cannot imitate the teacher" };
  if (steps > 0)
    return { imitate: true, record: false, why: "the student is no copy and first imitates the teacher" };
  const loss = lossOnFirstSamples({ teacher: teacher as DenoiserModule, student, seed });
  const near = `the teacher's loss on the student's first samples is ${loss.toFixed(2)}`;
  return loss > 1
    ? { imitate: false, record: true, why: `${near}, above 1` }
    : { imitate: false, record: false, why: `${near}, not above 1` };
}

/** A decision in one line. */
export function describeDecision({ imitate, record, why }: Decision): string {
  const imitation = imitate ? ["imitation"] : [];
  const recording = record ? ["recording", "backtracking"] : ["distillation without a trajectory"];
  return `${[...imitation, ...recording].join(", then ")}: ${why}`;
}

/** The teacher's denoising loss on the samples of a student before its first step. */
export function lossOnFirstSamples(options: {
  teacher: DenoiserModule;
  student: Student;
  /** noise levels, default EDM's log-normal */
  noise?: NoiseDistribution;
  /** samples looked at, default 128 */
  samples?: number;
  /** decides them and their noise, default 0 */
  seed?: number;
}): number {
  const { teacher, student, noise = new LogNormal(), samples = 128, seed = 0 } = options;
  const device = student.module.parameters()[0]!.device;
  const random = new Generator(seed, device);
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

/** Whether a model starts with another's own weights. */
export function sameWeights(a: Module, b: Module): boolean {
  const [left, right] = [a.stateDict(), b.stateDict()];
  if (left.size !== right.size) return false;
  return inferenceMode(() =>
    [...left].every(([key, tensor]) => {
      const other = right.get(key);
      return other !== undefined && tensor.shape.join() === other.shape.join() && ops.equal(tensor, other);
    }),
  );
}
