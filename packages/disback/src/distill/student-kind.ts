import type { Module } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { DenoiserModule } from "../models/denoiser.js";
import type { ModelFacts } from "../models/facts.js";
import type { ConditionSource } from "./condition-source.js";
import { DenoiserStudent } from "./denoiser-student.js";
import { GeneratorStudent, isGenerator, type LatentDraw } from "./generator-student.js";
import type { Student } from "./student.js";

/** How a student uses its module: it runs a denoiser at given noise levels, or the module makes samples itself. */
export type StudentKind =
  | {
      kind: "denoiser";
      sigmaInit: number;
      /** noise levels of the later steps; empty for a one-step student */
      laterSigmas: readonly number[];
      /** its network estimates samples from every noise level, so it can be run in any number of steps */
      anySteps?: boolean;
    }
  | { kind: "generator" };

/** Where a student's training draws from, if not as usual. */
export interface StudentDraws {
  conditions?: ConditionSource | undefined;
  /** see `GeneratorStudentOptions.drawLatents` */
  drawLatents?: LatentDraw | undefined;
}

/**
 * Makes the student that runs a module. @param draws where training draws conditions from, see `ConditionSource`, and a
 * generator's latents
 * @throws DisbackError if the module does not fit the kind */
export function studentFrom(
  module: Module,
  facts: ModelFacts,
  kind: StudentKind,
  { conditions, drawLatents }: StudentDraws = {},
): Student {
  if (kind.kind === "denoiser") {
    if (module instanceof DenoiserModule)
      return new DenoiserStudent(module, { ...kind, ...(conditions ? { conditions } : {}) });
    throw new DisbackError("student: its module is not a denoiser");
  }
  if (isGenerator(module))
    return new GeneratorStudent(module, { facts, drawLatents, ...(conditions ? { conditions } : {}) });
  throw new DisbackError("student: its module has no generate(latents, condition)");
}

/** The kind of a student, without its module. */
export function kindOf(student: Student): StudentKind {
  if (!(student instanceof DenoiserStudent)) return { kind: "generator" };
  const { sigmaInit, laterSigmas } = student;
  return { kind: "denoiser", sigmaInit, laterSigmas };
}
