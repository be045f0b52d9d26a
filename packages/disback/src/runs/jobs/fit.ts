import type { Module } from "@disback/torch";
import { DenoisingFit } from "../../distill/denoising-fit.js";
import type { Fit } from "../../distill/fit.js";
import { CrossEntropyFit } from "../../distill/language/cross-entropy-fit.js";
import { LanguageModel } from "../../models/language/language-model.js";

/** How models of a teacher's kind are fitted to samples. */
export function fitOf(teacher: Module): Fit<Module> {
  return teacher instanceof LanguageModel ? new CrossEntropyFit() : new DenoisingFit();
}
