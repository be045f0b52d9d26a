import { DisbackError } from "../../errors.js";
import type { ConditionShapes } from "../../models/condition.js";
import { ConditionedNetwork } from "../../models/conditioned-network.js";
import { DiscreteDenoiser } from "../../models/preconditioning/discrete.js";
import { FlowMatchingDenoiser } from "../../models/preconditioning/flow-matching.js";
import type { PreconditionedDenoiser } from "../../models/preconditioning/preconditioned.js";
import type { TextToImageNetwork } from "./open-network.js";
import type { TextToImagePipeline } from "./text-to-image-pipeline.js";

export interface PipelineDenoiserOptions {
  /** height and width of the latents, after their frames for clips; default: what the configuration says */
  size?: readonly number[];
  /** tokens of a prompt, padding included, default 77; other lengths work too */
  textLength?: number;
}

/**
 * A pipeline's network as a denoiser of latents, which have about unit variance.
 * @throws DisbackError if the size is neither given nor in the configuration, or has another number of sides
 */
export function pipelineDenoiser(
  { network, schedule, className }: Pick<TextToImagePipeline, "network" | "schedule" | "className">,
  { size, textLength = 77 }: PipelineDenoiserOptions = {},
): PreconditionedDenoiser {
  const [channels, ...stated] = network.sampleShape;
  const sides = (size ?? stated).filter((side) => side !== null);
  if (sides.length !== stated.length)
    throw new DisbackError(
      `${className}: its configuration does not say the ${stated.length === 3 ? "frames, height" : "height"} and width of its latents`,
    );
  const facts = {
    sampleShape: [channels, ...sides],
    sigmaData: 1,
    condition: conditionShapes(network, textLength),
  };
  const model = new ConditionedNetwork(network.module);
  return schedule.preconditioning === "discrete"
    ? new DiscreteDenoiser(model, facts, schedule)
    : new FlowMatchingDenoiser(model, facts);
}

/** What a network is told about each sample. */
function conditionShapes({ module }: TextToImageNetwork, textLength: number): ConditionShapes {
  return { text: [textLength, module.textChannels], ...module.vectorShapes };
}
