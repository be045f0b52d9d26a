import { full, inferenceMode, scope, type Tensor } from "@disback/torch";
import type { Condition } from "../condition.js";
import type { Denoiser } from "../denoiser.js";
import type { ScheduleOptions } from "./sigma-schedule.js";

/** A sampler's progress after a step. */
export interface SamplingProgress {
  /** steps done, 1 to `steps` */
  step: number;
  steps: number;
  /** noise level reached */
  sigma: number;
  /** evaluations of the denoiser so far, each on the whole batch (NFE) */
  evaluations: number;
}

/** Options of all samplers. */
export interface SamplerOptions extends ScheduleOptions {
  /** see `Condition` */
  condition?: Condition | undefined;
  /** called after each step; may throw to stop sampling */
  onStep?: (progress: SamplingProgress) => void;
}

/** The denoiser at one noise level for a whole batch, state and estimate `[N, ...]` in float64. */
export type Evaluation = (x: Tensor, sigma: number) => Tensor;

/**
 * Runs a sampler's steps from high to low noise. The state is float64; the denoiser gets the dtype of `latents`.
 * Without gradients. Each step's tensors are released when it ends, so memory does not grow with the steps.
 * @param levels noise levels, ending with 0
 * @param advance one step: maps the state `[N, ...]` in float64 at level `index` to that at level `index + 1`
 * @returns samples with shape and dtype of `latents`, usable in autograd
 */
export function sampleSteps(
  denoiser: Denoiser,
  latents: Tensor,
  levels: number[],
  options: SamplerOptions,
  advance: (x: Tensor, index: number, evaluate: Evaluation) => Tensor,
): Tensor {
  const steps = levels.length - 1;
  const { dtype, device } = latents;
  const batch = latents.shape[0]!;
  let evaluations = 0;
  const evaluate: Evaluation = (x, sigma) => {
    evaluations++;
    const level = full([batch], sigma, { dtype, device });
    return denoiser.denoise(x.to(dtype), level, options.condition).to("float64");
  };
  return scope(() => {
    let x = inferenceMode(() => latents.to("float64").mul(levels[0]!));
    for (let index = 0; index < steps; index++) {
      const before = x;
      x = inferenceMode(() => scope(() => advance(before, index, evaluate)));
      before.dispose();
      options.onStep?.({ step: index + 1, steps, sigma: levels[index + 1]!, evaluations });
    }
    // Made outside inference mode, so that the result can be used in autograd.
    return dtype === "float64" ? x.clone() : x.to(dtype);
  });
}
