import { DenoiserStudent } from "../distill/denoiser-student.js";
import { DisbackError } from "../errors.js";
import type { DenoiserConfig } from "../models/config.js";
import type { DenoiserModule } from "../models/denoiser.js";

/** A model that is to be exported: a student if it has one, a teacher otherwise. */
export interface ExportableModel {
  denoiser: DenoiserModule;
  /** the network in words; absent for a module of a user's own */
  config?: DenoiserConfig | undefined;
  student?: DenoiserStudent;
}

/** @param levels noise levels at which a student's network is run; undefined for a teacher */
export function exportableModel(
  denoiser: DenoiserModule,
  config: DenoiserConfig | undefined,
  levels: { sigmaInit: number; laterSigmas?: readonly number[] } | undefined,
): ExportableModel {
  if (levels === undefined) return { denoiser, config };
  return { denoiser, config, student: new DenoiserStudent(denoiser, levels) };
}

/** The network in words, for formats that describe it. @throws DisbackError for a module of a user's own */
export function configOf({ config }: ExportableModel, format: string): DenoiserConfig {
  if (config) return config;
  throw new DisbackError(
    `--format ${format}: it describes the network, which is a module of your own; onnx, web and safetensors do not`,
  );
}
