import { descriptionKey, type ModelDescription } from "@disback/generate/core";
import { sampleShape } from "../../models/config.js";
import { IddpmDenoiser } from "../../models/preconditioning/iddpm.js";
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
  const denoiser = precision === "f16" ? model.denoiser.clone() : model.denoiser;
  if (precision === "f16") denoiser.model.to({ dtype: "float16" });
  try {
    const source = model.generator
      ? studentSource(model.generator.withDenoiser(denoiser))
      : denoiserSource(denoiser, model.config);
    const metadata = { [descriptionKey]: JSON.stringify(describe(model, precision)) };
    return writeOnnxModel({ ...source, metadata }, { quantize: precision === "int8" });
  } finally {
    if (denoiser !== model.denoiser) denoiser.dispose();
  }
}

function describe({ denoiser, config, generator }: ExportableModel, precision: Precision): ModelDescription {
  const common = { sampleShape: sampleShape(config), labelDim: config.labelDim, precision };
  if (generator) return { kind: "student", steps: generator.steps, ...common };
  const { sigmaMin, sigmaMax } = denoiser;
  return {
    kind: "denoiser",
    ...common,
    sigmaMin,
    ...(Number.isFinite(sigmaMax) ? { sigmaMax } : {}),
    ...(denoiser instanceof IddpmDenoiser ? { levels: denoiser.u.toArray() as number[] } : {}),
  };
}
