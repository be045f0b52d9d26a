import { noGrad, scope } from "@disback/torch";
import { buildDenoiser } from "./create-denoiser.js";
import { type DenoiserConfig, parseDenoiserConfig } from "./denoiser-config.js";
import type { PreconditionedDenoiser } from "./preconditioning/preconditioned.js";
import { blankWeights } from "./weights.js";

/** A denoiser and its configuration. */
export interface ConfiguredDenoiser {
  denoiser: PreconditionedDenoiser;
  config: DenoiserConfig;
}

/**
 * The unconditional denoiser inside a class-conditional one: its outputs are those of the conditional one without a
 * label, up to rounding. Meaningful for networks trained with label dropout.
 *
 * @returns a separate network with `labelDim` 0, same device and dtype, in evaluation mode
 */
export function withoutLabels({ denoiser, config }: ConfiguredDenoiser): ConfiguredDenoiser {
  const unconditional = parseDenoiserConfig({
    ...config,
    labelDim: 0,
    labelDropout: 0,
    classNames: undefined,
    tasks: undefined,
  });
  const result = buildDenoiser(unconditional, blankWeights);
  const { device, dtype } = denoiser.parameters()[0]!;
  noGrad(() =>
    scope(() => {
      const state = [...denoiser.stateDict()].filter(([key]) => !key.startsWith("model."));
      for (const [key, tensor] of denoiser.model.stateWithoutLabels()) state.push([`model.${key}`, tensor]);
      result.to({ device, dtype }).loadStateDict(new Map(state));
    }),
  );
  return { denoiser: result.eval(), config: unconditional };
}
