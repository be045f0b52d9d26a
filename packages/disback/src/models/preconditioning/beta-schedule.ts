import { cat, fromTypedArray, linspace, noGrad, ops, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";

/** The betas of a discrete diffusion (the noise that each step adds), or their rule. */
export interface BetaScheduleOptions {
  /** steps T, default 1000 */
  timesteps?: number | undefined;
  /**
   * "linear" (Ho et al. 2020), "scaled-linear" (linear in sqrt(beta); latent diffusion), "cosine" (Nichol and Dhariwal
   * 2021, with betas up to 0.999) or "sigmoid"; default "linear"
   */
  betaSchedule?: "linear" | "scaled-linear" | "cosine" | "sigmoid" | undefined;
  /** first beta, default 1e-4; ignored by the cosine schedule */
  betaStart?: number | undefined;
  /** last beta, default 0.02; ignored by the cosine schedule */
  betaEnd?: number | undefined;
  /** the betas, instead of a rule */
  betas?: readonly number[] | undefined;
  /** rescale the schedule so that its last step is pure noise (Lin et al. 2024, algorithm 1); default false */
  zeroTerminalSnr?: boolean | undefined;
}

/**
 * Noise levels sigma_t = sqrt((1 - abar_t) / abar_t), t = 0 … T - 1, ascending. Betas and abar, their cumulative
 * product of 1 - beta, are float32 as in diffusers, so that the levels are exactly those its networks were trained at.
 * Steps of pure noise (abar = 0) have no finite level and are left out; only the last ones can be such.
 * @throws DisbackError if the betas do not give at least two rising levels
 */
export function noiseLevels(options: BetaScheduleOptions): Float64Array {
  const alphaBars = noGrad(() => scope(() => cumulativeAlphas(options).toArray() as number[]));
  const levels = alphaBars
    .filter((alphaBar) => alphaBar > 0)
    .map((alphaBar) => Math.sqrt((1 - alphaBar) / alphaBar));
  const rises = levels.every((level, step) => level > (levels[step - 1] ?? 0));
  if (levels.length < 2 || !rises) {
    throw new DisbackError("betas: their noise levels do not rise from step to step");
  }
  return Float64Array.from(levels);
}

/** abar_t `[T]`, float32. */
function cumulativeAlphas(options: BetaScheduleOptions): Tensor {
  const betas = options.zeroTerminalSnr ? withoutSignalAtTheEnd(betasOf(options)) : betasOf(options);
  return ops.cumprod(betas.neg().add(1), 0);
}

/** `[T]`, float32. */
function betasOf(options: BetaScheduleOptions): Tensor {
  const { timesteps = 1000, betaSchedule = "linear", betaStart = 1e-4, betaEnd = 0.02, betas } = options;
  if (betas) return fromTypedArray(Float32Array.from(betas), [betas.length]);
  switch (betaSchedule) {
    case "linear":
      return linspace(betaStart, betaEnd, timesteps);
    case "scaled-linear":
      return linspace(Math.sqrt(betaStart), Math.sqrt(betaEnd), timesteps).square();
    case "cosine":
      return fromTypedArray(cosineBetas(timesteps), [timesteps]);
    case "sigmoid":
      return linspace(-6, 6, timesteps)
        .sigmoid()
        .mul(betaEnd - betaStart)
        .add(betaStart);
  }
}

function cosineBetas(timesteps: number): Float32Array {
  const alphaBar = (time: number) => Math.cos((((time + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  return Float32Array.from({ length: timesteps }, (_, step) =>
    Math.min(1 - alphaBar((step + 1) / timesteps) / alphaBar(step / timesteps), 0.999),
  );
}

/** Shifts and scales sqrt(abar) so that its last value is 0 and its first one stays. */
function withoutSignalAtTheEnd(betas: Tensor): Tensor {
  const roots = ops.cumprod(betas.neg().add(1), 0).sqrt();
  const steps = roots.shape[0]!;
  const first = roots.narrow(0, 0, 1);
  const last = roots.narrow(0, steps - 1, 1);
  const alphaBars = roots
    .sub(last)
    .mul(first.div(first.sub(last)))
    .square();
  const ratios = alphaBars.narrow(0, 1, steps - 1).div(alphaBars.narrow(0, 0, steps - 1));
  return cat([alphaBars.narrow(0, 0, 1), ratios])
    .neg()
    .add(1);
}
