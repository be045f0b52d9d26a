import type { Module } from "@disback/torch";
import { DenoisingFit } from "../../distill/denoising-fit.js";
import type { Fit } from "../../distill/fit.js";
import { CrossEntropyFit } from "../../distill/language/cross-entropy-fit.js";
import { OutputFit } from "../../distill/output-fit.js";
import { DenoiserModule } from "../../models/denoiser.js";
import { LanguageModel } from "../../models/language/language-model.js";

/** How models of a teacher's kind are fitted to samples. */
export function fitOf(teacher: Module): Fit<Module> {
  if (teacher instanceof LanguageModel) return new CrossEntropyFit();
  return teacher instanceof DenoiserModule ? new DenoisingFit() : (new OutputFit() as Fit<Module>);
}
