import { defaultGenerator, type Generator, ones, randn, type Tensor, zeros } from "@disback/torch";
import type { Student } from "../../distill/student.js";
import type { Condition } from "../../models/condition.js";
import type { DenoiserModule } from "../../models/denoiser.js";
import type { ModelFacts } from "../../models/facts.js";
import type { LatentDecoder } from "../../models/sample-codec.js";
import type { OnnxSource } from "./write-model.js";

type Source = Omit<OnnxSource, "metadata">;

/** Names of a condition's inputs, in the order of the model's shapes: classes are called "labels". */
function conditionNames({ condition }: ModelFacts): string[] {
  return Object.keys(condition).map((name) => (name === "class" ? "labels" : name));
}

/** Example conditions, in the same order: their values do not matter. */
export function exampleConditions(
  batch: number,
  { condition }: ModelFacts,
  generator: Generator = defaultGenerator(),
): Tensor[] {
  return Object.entries(condition).map(([name, shape]) => {
    const all = [batch, ...shape];
    if (name === "tokens") return zeros(all);
    return name === "textMask" ? ones(all) : randn(all, { generator });
  });
}

/** The same tensors by name; none for a model without a condition. */
export function namedCondition(
  { condition }: ModelFacts,
  tensors: readonly (Tensor | undefined)[],
): Condition | undefined {
  const names = Object.keys(condition);
  if (names.length === 0) return undefined;
  return Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
}

/**
 * A student as a function: latents, `[N, steps, ...]` if it has several steps, and its condition (one-hot labels `[N, K]`,
 * tokens `[N, L]`, or states of a text) to samples; to images if there is a decoder.
 */
export function studentSource(student: Student, decoder?: LatentDecoder): Source {
  const { facts } = student;
  return {
    network: (latents, ...told) => {
      const samples = student.generate(latents!, namedCondition(facts, told));
      return decoder ? decoder.module.decoded(samples) : samples;
    },
    examples: (batch) => [student.latents(batch, defaultGenerator()), ...exampleConditions(batch, facts)],
    inputNames: ["latents", ...conditionNames(facts)],
    outputName: "samples",
  };
}

/** A teacher as one step of its sampler: noisy samples `[N, ...]`, noise levels `[N]` and labels to clean samples. */
export function denoiserSource(denoiser: DenoiserModule): Source {
  const { facts } = denoiser;
  return {
    network: (x, sigma, ...told) => denoiser.denoise(x!, sigma!, namedCondition(facts, told)),
    examples: (batch) => [
      randn([batch, ...facts.sampleShape]),
      randn([batch]).abs().add(0.1),
      ...exampleConditions(batch, facts),
    ],
    inputNames: ["x", "sigma", ...conditionNames(facts)],
    outputName: "denoised",
  };
}
