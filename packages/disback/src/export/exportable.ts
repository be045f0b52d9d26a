import type { Module } from "@disback/torch";
import type { Student } from "../distill/student.js";
import { type StudentKind, studentFrom } from "../distill/student-kind.js";
import { DisbackError } from "../errors.js";
import type { DenoiserConfig } from "../models/config.js";
import type { ModelFacts } from "../models/facts.js";
import { PreconditionedDenoiser } from "../models/preconditioning/preconditioned.js";

/** A model that is to be exported: a student if it has one, a teacher otherwise. */
export interface ExportableModel {
  module: Module;
  facts: ModelFacts;
  /** the network in words; absent for a module of a user's own */
  config?: DenoiserConfig | undefined;
  student?: Student;
  /** Further facts, for formats that show them to people. */
  shown?: ShownFacts;
}

/** What people are told of a model. */
export interface ShownFacts {
  /** `Fashion-MNIST, 16×16` */
  name?: string;
  /** The teacher of a student, and the steps of its sampler. */
  teacher?: { model: ExportableModel; steps: number };
}

/** A model as it was opened, and what makes it a student; undefined for a teacher. */
export function exportableModel(
  model: Pick<ExportableModel, "module" | "facts" | "config">,
  kind?: StudentKind,
): ExportableModel {
  const { module, facts, config } = model;
  return { module, facts, config, ...(kind ? { student: studentFrom(module, facts, kind) } : {}) };
}

/** The denoiser in a model, for formats that only take such. @throws DisbackError for another kind of generator */
export function denoiserOf({ module }: ExportableModel, format: string): PreconditionedDenoiser {
  if (module instanceof PreconditionedDenoiser) return module;
  throw new DisbackError(`--format ${format}: only for denoisers with one of our preconditionings`);
}

/** The network in words, for formats that describe it. @throws DisbackError for a module of a user's own */
export function configOf({ config }: ExportableModel, format: string): DenoiserConfig {
  if (config) return config;
  throw new DisbackError(
    `--format ${format}: it describes the network, which is a module of your own; onnx, web and safetensors do not`,
  );
}
