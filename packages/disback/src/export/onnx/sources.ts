import { defaultGenerator, randn, type Tensor, zeros } from "@disback/torch";
import type { Student } from "../../distill/student.js";
import { classesOf, labelCondition } from "../../models/condition.js";
import type { DenoiserModule } from "../../models/denoiser.js";
import type { ModelFacts } from "../../models/facts.js";
import type { OnnxSource } from "./write-model.js";

/** Example classes or tokens for tracing: their values do not matter. */
function labels(batch: number, facts: ModelFacts): Tensor[] {
  if (facts.text) return [zeros([batch, facts.text.textLength])];
  return classesOf(facts) > 0 ? [randn([batch, classesOf(facts)])] : [];
}

function labelNames(facts: ModelFacts): string[] {
  if (facts.text) return ["tokens"];
  return classesOf(facts) > 0 ? ["labels"] : [];
}

/** A student as a function: latents, `[N, steps, ...]` if it has several steps, and one-hot labels
 * `[N, K]` or tokens `[N, L]` to samples. */
export function studentSource(student: Student): Omit<OnnxSource, "metadata"> {
  const { facts } = student;
  return {
    network: (latents, classes) => student.generate(latents!, labelCondition(facts, classes)),
    examples: (batch) => [student.latents(batch, defaultGenerator()), ...labels(batch, facts)],
    inputNames: ["latents", ...labelNames(facts)],
    outputName: "samples",
  };
}

/** A teacher as one step of its sampler: noisy samples `[N, ...]`, noise levels `[N]` and labels to clean samples. */
export function denoiserSource(denoiser: DenoiserModule): Omit<OnnxSource, "metadata"> {
  const { facts } = denoiser;
  return {
    network: (x, sigma, classes) => denoiser.denoise(x!, sigma!, labelCondition(facts, classes)),
    examples: (batch) => [
      randn([batch, ...facts.sampleShape]),
      randn([batch]).abs().add(0.1),
      ...labels(batch, facts),
    ],
    inputNames: ["x", "sigma", ...labelNames(facts)],
    outputName: "denoised",
  };
}
