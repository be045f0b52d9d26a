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
import { type OnnxModel, traceOnnxModel } from "./write-model.js";

/** Precision of an exported network: half the size with f16, a quarter with int8 (of the weights only). */
export type Precision = "f32" | "f16" | "int8";

/** The bytes of an ONNX file. @throws DisbackError as `onnxModel`, or if a file cannot hold it */
export function exportOnnx(model: ExportableModel, precision: Precision = "f32"): Uint8Array {
  return onnxModel(model, precision).encode();
}

/**
 * A student, or one step of a teacher's sampler, as an ONNX model. Inputs and outputs are float32; with f16 the
 * network between them is float16, the preconditioning around it is not, and a decoder of latents is not.
 * @throws DisbackError naming an operator that cannot be written
 */
export function onnxModel(model: ExportableModel, precision: Precision = "f32"): OnnxModel {
  const module = precision === "f16" ? model.module.clone() : model.module;
  if (precision === "f16") halve(module);
  try {
    const source = model.student
      ? studentSource(model.student.withModule(module), model.decoder)
      : denoiserSource(module as DenoiserModule);
    const metadata = { [descriptionKey]: JSON.stringify(describe(model, precision)) };
    return traceOnnxModel({ ...source, metadata }, { quantize: precision === "int8" });
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

function describe(
  { module, facts, student, decoder }: ExportableModel,
  precision: Precision,
): ModelDescription {
  const { classNames, text } = facts;
  const encoded = Object.entries(facts.condition).filter(([name]) => name !== "class" && name !== "tokens");
  const common = {
    sampleShape: [...((student && decoder?.shownShape) ?? facts.sampleShape)],
    labelDim: classesOf(facts),
    ...(encoded.length > 0 ? { encoded: Object.fromEntries(encoded) } : {}),
    ...(classNames ? { classNames } : {}),
    ...(text ? { text: { ...text, prompts: text.prompts.slice(0, shownPrompts) } } : {}),
    precision,
  };
  if (student) {
    const latentShape = isGenerator(module) ? module.latentShape : decoder && facts.sampleShape;
    return {
      ...{ kind: "student", steps: student.evaluations },
      ...(latentShape ? { latentShape: [...latentShape] } : {}),
      ...common,
    };
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
