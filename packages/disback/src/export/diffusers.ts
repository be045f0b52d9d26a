import { statSync } from "node:fs";
import { join } from "node:path";
import { TorchError } from "@disback/torch";
import { DenoiserStudent } from "../distill/denoiser-student.js";
import { DisbackError } from "../errors.js";
import { DiscreteDenoiser } from "../models/preconditioning/discrete.js";
import { weightsPath, writeDiffusersFolder } from "./diffusers/write-diffusers.js";
import { configOf, denoiserOf, type ExportableModel } from "./exportable.js";
import { fileSize } from "./file-size.js";
import type { ExportFormat, ExportReport } from "./format.js";

/** A pipeline's folder for diffusers. */
export const diffusers: ExportFormat = {
  description: "a folder for diffusers",
  write(model, path) {
    try {
      writeDiffusersFolder(path, denoiserOf(model, "diffusers"), configOf(model, "diffusers"));
    } catch (error) {
      if (error instanceof TorchError) throw new DisbackError(error.message);
      throw error;
    }
    return report(model, statSync(join(path, weightsPath)).size);
  },
};

/** There, a student's noise levels are steps. */
function report({ module: denoiser, student }: ExportableModel, bytes: number): ExportReport {
  const size = ["weights", fileSize(bytes)] as const;
  if (!(student instanceof DenoiserStudent) || !(denoiser instanceof DiscreteDenoiser))
    return { facts: [size], figures: { bytes } };
  const steps = [student.sigmaInit, ...student.laterSigmas].map((sigma) => denoiser.stepAt(sigma));
  return {
    facts: [["timesteps", steps.map((step) => step.toFixed(2)).join(", ")], size],
    figures: { bytes, sigmaInit: student.sigmaInit, timestep: steps[0]! },
  };
}
