import { descriptionKey, type ModelDescription } from "@disback/generate/core";
import type { Module } from "@disback/torch";
import { isGenerator } from "../../distill/generator-student.js";
import { DisbackError } from "../../errors.js";
import { classesOf } from "../../models/condition.js";
import type { Denoiser, DenoiserModule } from "../../models/denoiser.js";
import { LatentGenerator } from "../../models/generators/latent-generator.js";
import { IddpmDenoiser } from "../../models/preconditioning/iddpm.js";
import { PreconditionedDenoiser } from "../../models/preconditioning/preconditioned.js";
import type { ExportableModel } from "../exportable.js";
import { denoiserSource, studentSource } from "./sources.js";
import { writeOnnxModel } from "./write-model.js";

/** Precision of an exported network: half the size with f16, a quarter with int8 (of the weights only). */
export type Precision = "f32" | "f16" | "int8";

/**
 * A student, or one step of a teacher's sampler, as an ONNX file's bytes. Inputs and outputs are float32; with f16 the
 * network between them is float16, the preconditioning around it is not.
 * @throws DisbackError naming an operator that cannot be written
 */
export function exportOnnx(model: ExportableModel, precision: Precision = "f32"): Uint8Array {
  const module = precision === "f16" ? model.module.clone() : model.module;
  if (precision === "f16") halve(module);
  try {
    const source = model.student
      ? studentSource(model.student.withModule(module))
      : denoiserSource(module as DenoiserModule);
    const metadata = { [descriptionKey]: JSON.stringify(describe(model, precision)) };
    return writeOnnxModel({ ...source, metadata }, { quantize: precision === "int8" });
  } finally {
    if (module !== model.module) module.dispose();
  }
}

/** Prompts of its training that an exported model names. */
const shownPrompts = 64;

/** The network between the preconditioning's float32 factors, or between float32 latents and samples. */
function halve(module: Module): void {
  if (module instanceof LatentGenerator) return void module.to({ dtype: "float16" });
  if (!(module instanceof PreconditionedDenoiser))
    throw new DisbackError("--precision f16: a module of your own is exported as f32 or int8");
  module.model.to({ dtype: "float16" });
}

function describe({ module, facts, student }: ExportableModel, precision: Precision): ModelDescription {
  const { classNames, text } = facts;
  const common = {
    sampleShape: [...facts.sampleShape],
    labelDim: classesOf(facts),
    ...(classNames ? { classNames } : {}),
    ...(text ? { text: { ...text, prompts: text.prompts.slice(0, shownPrompts) } } : {}),
    precision,
  };
  if (student) {
    const latentShape = isGenerator(module) ? { latentShape: [...module.latentShape] } : {};
    return { kind: "student", steps: student.evaluations, ...latentShape, ...common };
  }
  const { sigmaMin = 0, sigmaMax = Number.POSITIVE_INFINITY } = module as Module & Denoiser;
  return {
    kind: "denoiser",
    ...common,
    sigmaMin,
    ...(Number.isFinite(sigmaMax) ? { sigmaMax } : {}),
    ...(module instanceof IddpmDenoiser ? { levels: module.u.toArray() as number[] } : {}),
  };
}
