import { full, inferenceMode, type Tensor } from "@disback/torch";
import type { Denoiser } from "../denoiser.js";

/**
 * A student's samples: G(z) = D(sigmaInit z; sigmaInit), one evaluation, without gradients.
 * @param latents standard normal `[N, ...]`
 * @param sigmaInit noise level the student runs at
 * @param condition labels `[N, K]`
 * @returns samples, shape and dtype of `latents`
 */
export function oneStep(denoiser: Denoiser, latents: Tensor, sigmaInit: number, condition?: Tensor): Tensor {
  const { dtype, device } = latents;
  const samples = inferenceMode(() => {
    const sigma = full([latents.shape[0]!], sigmaInit, { dtype, device });
    return denoiser.denoise(latents.mul(sigmaInit), sigma, condition);
  });
  // An ordinary tensor, which gradients may pass by.
  return samples.clone();
}
