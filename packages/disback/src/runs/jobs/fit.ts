import type { Module } from "@disback/torch";
import { DenoisingFit } from "../../distill/denoising-fit.js";
import type { Fit } from "../../distill/fit.js";
import { CrossEntropyFit } from "../../distill/language/cross-entropy-fit.js";
import { LogNormal } from "../../distill/noise-distribution.js";
import { OutputFit } from "../../distill/output-fit.js";
import { DenoiserModule } from "../../models/denoiser.js";
import { LanguageModel } from "../../models/language/language-model.js";

/** The noise levels of the settings. */
export function noiseOf(settings: { noiseMean: number; noiseStandardDeviation: number }): LogNormal {
  return new LogNormal(settings.noiseMean, settings.noiseStandardDeviation);
}

/**
 * How models of a teacher's kind are fitted to samples.
 * @param noise levels for denoisers, default EDM's
 */
export function fitOf(teacher: Module, noise?: LogNormal): Fit<Module> {
  if (teacher instanceof LanguageModel) return new CrossEntropyFit();
  return teacher instanceof DenoiserModule ? new DenoisingFit(noise) : (new OutputFit() as Fit<Module>);
}
