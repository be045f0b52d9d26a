import { StudentGenerator } from "../distill/student-generator.js";
import { type DenoiserConfig, sampleShape } from "../models/config.js";
import type { PreconditionedDenoiser } from "../models/preconditioning/preconditioned.js";

/** A model that is to be exported: a student if it has a generator, a teacher otherwise. */
export interface ExportableModel {
  denoiser: PreconditionedDenoiser;
  config: DenoiserConfig;
  generator?: StudentGenerator;
}

/** @param levels noise levels at which a student's network is run; undefined for a teacher */
export function exportableModel(
  denoiser: PreconditionedDenoiser,
  config: DenoiserConfig,
  levels: { sigmaInit: number; laterSigmas?: readonly number[] } | undefined,
): ExportableModel {
  if (levels === undefined) return { denoiser, config };
  const { labelDim } = config;
  const generator = new StudentGenerator(denoiser, { ...levels, sampleShape: sampleShape(config), labelDim });
  return { denoiser, config, generator };
}
