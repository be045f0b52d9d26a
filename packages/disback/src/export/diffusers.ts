import { statSync } from "node:fs";
import { join } from "node:path";
import { TorchError } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { DiscreteDenoiser } from "../models/preconditioning/discrete.js";
import { levelsOf, timeOf } from "./diffusers/student-use.js";
import { weightsPath, writeDiffusersFolder } from "./diffusers/write-diffusers.js";
import { writePipelineFolder } from "./diffusers/write-pipeline.js";
import { configOf, denoiserOf, type ExportableModel } from "./exportable.js";
import { fileSize } from "./file-size.js";
import { type ExportFormat, type ExportReport, type FormatOptions, requirePrecision } from "./format.js";

/** A pipeline's folder for diffusers. */
export const diffusers: ExportFormat = {
  description: "a folder for diffusers",
  async write(model, path, options) {
    try {
      return await written(model, path, options);
    } catch (error) {
      if (error instanceof TorchError) throw new DisbackError(error.message);
      throw error;
    }
  },
};

async function written(
  model: ExportableModel,
  path: string,
  { precision, onPart }: FormatOptions,
): Promise<ExportReport> {
  requirePrecision(precision, ["f32", "f16"], "a folder for diffusers is");
  const denoiser = denoiserOf(model, "diffusers");
  const config = configOf(model, "diffusers");
  if (!model.pipeline) {
    writeDiffusersFolder(path, denoiser, config, precision);
    return report(model, statSync(join(path, weightsPath)).size);
  }
  const options = { base: model.pipeline, precision, onPart };
  const { bytes, scheduler, ...rest } = await writePipelineFolder(path, model, denoiser, config, options);
  const { facts, figures } = report(model, bytes);
  const copied = `${rest.copied.join(", ")}: ${fileSize(rest.copiedBytes)}`;
  return { facts: [["scheduler", scheduler], ...facts, ["copied from the base", copied]], figures };
}

/** There, a student's noise levels are steps, or times of flow matching. */
function report({ module: denoiser, student }: ExportableModel, bytes: number): ExportReport {
  const size = ["weights", fileSize(bytes)] as const;
  const levels = levelsOf(student);
  if (levels.length === 0) return { facts: [size], figures: { bytes } };
  const isDiscrete = denoiser instanceof DiscreteDenoiser;
  const steps = levels.map((sigma) => (isDiscrete ? denoiser.stepAt(sigma) : timeOf(sigma)));
  return {
    facts: [
      [isDiscrete ? "timesteps" : "times", steps.map((step) => step.toFixed(isDiscrete ? 2 : 4)).join(", ")],
      size,
    ],
    figures: { bytes, sigmaInit: levels[0]!, timestep: steps[0]! },
  };
}
