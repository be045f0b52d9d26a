import type { Module } from "@disback/torch";
import type { ConditionSource } from "../distill/condition-source.js";
import type { Student } from "../distill/student.js";
import { type StudentKind, studentFrom } from "../distill/student-kind.js";
import { DisbackError } from "../errors.js";
import type { PipelineChoice } from "../import/pipeline/text-to-image-source.js";
import type { DenoiserConfig } from "../models/config.js";
import type { ModelFacts } from "../models/facts.js";
import { PreconditionedDenoiser } from "../models/preconditioning/preconditioned.js";
import type { LatentDecoder } from "../models/sample-codec.js";

/** A model to export: a student if `student` is given, else a teacher. */
export interface ExportableModel {
  module: Module;
  facts: ModelFacts;
  /** configuration of the network; absent for a user's own module */
  config?: DenoiserConfig | undefined;
  student?: Student;
  /** the scale that a network distilled from guidance is told */
  embeddedGuidance?: number;
  /** the pipeline that a text-to-image model was made from, and how it was opened; for `diffusers` */
  pipeline?: { path: string; choice: PipelineChoice };
  /** for a model of latents: makes images of them, as part of a student, or in a file of its own for a teacher */
  decoder?: LatentDecoder | undefined;
  /** Further facts, for formats that show them. */
  shown?: ShownFacts;
}

/** Facts about a model for display. */
export interface ShownFacts {
  /** `Fashion-MNIST, 16×16` */
  name?: string;
  /** The teacher of a student, and the steps of its sampler. */
  teacher?: { model: ExportableModel; steps: number };
}

/** An opened model, and its kind of student; undefined for a teacher. */
export function exportableModel(
  model: Pick<ExportableModel, "module" | "facts" | "config" | "decoder"> & { prompts?: ConditionSource },
  kind?: StudentKind,
): ExportableModel {
  const { module, facts, config, decoder, prompts } = model;
  return {
    module,
    facts,
    config,
    decoder,
    ...(kind ? { student: studentFrom(module, facts, kind, { conditions: prompts }) } : {}),
  };
}

/** The denoiser in a model, for formats that need one. @throws DisbackError for another kind of generator */
export function denoiserOf({ module }: ExportableModel, format: string): PreconditionedDenoiser {
  if (module instanceof PreconditionedDenoiser) return module;
  throw new DisbackError(`--format ${format}: only for denoisers with one of our preconditionings`);
}

/** The network's configuration, for formats that describe it. @throws DisbackError for a user's own module */
export function configOf({ config }: ExportableModel, format: string): DenoiserConfig {
  if (config) return config;
  throw new DisbackError(`--format ${format}: can describe our denoisers only; use onnx, web or safetensors`);
}
