import { descriptionKey, type ModelDescription } from "@disback/generate/core";
import { DisbackError } from "../../errors.js";
import { classesOf } from "../../models/condition.js";
import type { Denoiser, DenoiserModule } from "../../models/denoiser.js";
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
  const denoiser = precision === "f16" ? model.denoiser.clone() : model.denoiser;
  if (precision === "f16") halve(denoiser);
  try {
    const source = model.student
      ? studentSource(model.student.withModule(denoiser))
      : denoiserSource(denoiser);
    const metadata = { [descriptionKey]: JSON.stringify(describe(model, precision)) };
    return writeOnnxModel({ ...source, metadata }, { quantize: precision === "int8" });
  } finally {
    if (denoiser !== model.denoiser) denoiser.dispose();
  }
}

/** The network between the preconditioning's float32 factors. */
function halve(denoiser: DenoiserModule): void {
  if (!(denoiser instanceof PreconditionedDenoiser))
    throw new DisbackError("--precision f16: a module of your own is exported as f32 or int8");
  denoiser.model.to({ dtype: "float16" });
}

function describe({ denoiser, student }: ExportableModel, precision: Precision): ModelDescription {
  const { facts } = denoiser;
  const common = { sampleShape: [...facts.sampleShape], labelDim: classesOf(facts), precision };
  if (student) return { kind: "student", steps: student.evaluations, ...common };
  const { sigmaMin = 0, sigmaMax = Number.POSITIVE_INFINITY } = denoiser as Denoiser;
  return {
    kind: "denoiser",
    ...common,
    sigmaMin,
    ...(Number.isFinite(sigmaMax) ? { sigmaMax } : {}),
    ...(denoiser instanceof IddpmDenoiser ? { levels: denoiser.u.toArray() as number[] } : {}),
  };
}
