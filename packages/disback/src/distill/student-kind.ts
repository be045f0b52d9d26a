import type { Module } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { DenoiserModule } from "../models/denoiser.js";
import type { ModelFacts } from "../models/facts.js";
import { DenoiserStudent } from "./denoiser-student.js";
import { GeneratorStudent, isGenerator } from "./generator-student.js";
import type { Student } from "./student.js";

/** What makes a module a student: at which noise levels its network is run, or that it makes samples by itself. */
export type StudentKind =
  | {
      kind: "denoiser";
      sigmaInit: number;
      /** of the steps after the first; empty for a one-step student */
      laterSigmas: readonly number[];
    }
  | { kind: "generator" };

/** The student that runs a module. @throws DisbackError if the module makes no samples by itself */
export function studentFrom(module: Module, facts: ModelFacts, kind: StudentKind): Student {
  if (kind.kind === "denoiser") {
    if (module instanceof DenoiserModule) return new DenoiserStudent(module, kind);
    throw new DisbackError("student: its module is no denoiser");
  }
  if (isGenerator(module)) return new GeneratorStudent(module, { facts });
  throw new DisbackError("student: its module has no generate(latents, condition)");
}

/** What makes a student what it is, beside its module. */
export function kindOf(student: Student): StudentKind {
  if (!(student instanceof DenoiserStudent)) return { kind: "generator" };
  const { sigmaInit, laterSigmas } = student;
  return { kind: "denoiser", sigmaInit, laterSigmas };
}
