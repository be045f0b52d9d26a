import { Generator, noGrad, type Tensor, zeros } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { createDenoiser } from "./create-denoiser.js";
import type { DenoiserModule } from "./denoiser.js";
import type { DenoiserConfig } from "./denoiser-config.js";
import type { ConfiguredDenoiser } from "./without-labels.js";

const KEY = "model.map_augment.weight";

/** The configuration of a network that also takes an interval. @throws DisbackError if the network cannot take one */
export function intervalConfig(config: DenoiserConfig): DenoiserConfig {
  const { network } = config;
  if (network !== "mlp" && network !== "song-unet" && network !== "dhariwal-unet")
    throw new DisbackError(
      `meanflow: a network that takes an interval is needed: mlp, song-unet or dhariwal-unet, not ${network}`,
    );
  return { ...config, augmentDim: (config.augmentDim ?? 0) + 1 };
}

/**
 * A copy of a denoiser that also takes an interval, as one more augmentation label behind its own. The label starts
 * without effect, and a label of 0 never has one, so the copy is used like any denoiser.
 * @throws DisbackError if its network cannot take one
 */
export function withInterval(denoiser: DenoiserModule, config: DenoiserConfig): ConfiguredDenoiser {
  const wide = intervalConfig(config);
  // Its random weights are all replaced.
  const copy = createDenoiser(wide, { generator: new Generator(0) });
  const state = denoiser.stateDict();
  const place = copy.stateDict().get(KEY)!;
  noGrad(() => {
    const weight: Tensor = zeros(place.shape);
    const own = state.get(KEY);
    if (own) weight.narrow(1, 0, own.shape[1]!).copy_(own);
    copy.loadStateDict(new Map([...state, [KEY, weight]]));
  });
  return { denoiser: copy.to({ device: denoiser.parameters()[0]!.device }), config: wide };
}
