import { defaultGenerator, randn, type Tensor } from "@disback/torch";
import type { StudentGenerator } from "../../distill/student-generator.js";
import { type DenoiserConfig, sampleShape } from "../../models/config.js";
import type { PreconditionedDenoiser } from "../../models/preconditioning/preconditioned.js";
import type { OnnxSource } from "./write-model.js";

/** Example labels for tracing: their values do not matter. */
const labels = (batch: number, labelDim: number): Tensor[] =>
  labelDim > 0 ? [randn([batch, labelDim])] : [];

/** A student as a function: latents, `[N, steps, ...]` if it has several steps, and one-hot labels `[N, K]` to samples. */
export function studentSource(generator: StudentGenerator): Omit<OnnxSource, "metadata"> {
  const { labelDim } = generator;
  return {
    network: (latents, condition) => generator.generate(latents!, condition),
    examples: (batch) => [generator.latents(batch, defaultGenerator()), ...labels(batch, labelDim)],
    inputNames: ["latents", ...(labelDim > 0 ? ["labels"] : [])],
    outputName: "samples",
  };
}

/** A teacher as one step of its sampler: noisy samples `[N, ...]`, noise levels `[N]` and labels to clean samples. */
export function denoiserSource(
  denoiser: PreconditionedDenoiser,
  config: DenoiserConfig,
): Omit<OnnxSource, "metadata"> {
  const { labelDim } = config;
  return {
    network: (x, sigma, condition) => denoiser.denoise(x!, sigma!, condition),
    examples: (batch) => [
      randn([batch, ...sampleShape(config)]),
      randn([batch]).abs().add(0.1),
      ...labels(batch, labelDim),
    ],
    inputNames: ["x", "sigma", ...(labelDim > 0 ? ["labels"] : [])],
    outputName: "denoised",
  };
}
