import type { Module } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { DenoiserModule } from "../models/denoiser.js";
import type { ModelFacts } from "../models/facts.js";
import type { ConditionSource } from "./condition-source.js";
import { DenoiserStudent } from "./denoiser-student.js";
import { GeneratorStudent, isGenerator } from "./generator-student.js";
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

/**
 * Makes the student that runs a module. @param conditions where training draws conditions from, see `ConditionSource`
 * @throws DisbackError if the module does not fit the kind */
export function studentFrom(
  module: Module,
  facts: ModelFacts,
  kind: StudentKind,
  conditions?: ConditionSource,
): Student {
  if (kind.kind === "denoiser") {
    if (module instanceof DenoiserModule)
      return new DenoiserStudent(module, { ...kind, ...(conditions ? { conditions } : {}) });
    throw new DisbackError("student: its module is not a denoiser");
  }
  if (isGenerator(module))
    return new GeneratorStudent(module, { facts, ...(conditions ? { conditions } : {}) });
  throw new DisbackError("student: its module has no generate(latents, condition)");
}

/** The kind of a student, without its module. */
export function kindOf(student: Student): StudentKind {
  if (!(student instanceof DenoiserStudent)) return { kind: "generator" };
  const { sigmaInit, laterSigmas } = student;
  return { kind: "denoiser", sigmaInit, laterSigmas };
}
