import type { Module } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { FluxTransformer } from "../../models/transformers/flux/flux-transformer.js";
import { Sd3Transformer } from "../../models/transformers/sd3/sd3-transformer.js";
import { WanTransformer } from "../../models/transformers/wan/wan-transformer.js";
import { UNet2DConditionModel } from "../../models/unet-2d-condition/unet-2d-condition.js";
import { noWeights } from "../../models/weights.js";
import { describeFlux } from "../diffusers/flux.js";
import { describeSd3 } from "../diffusers/sd3.js";
import type { GivenConfig } from "../diffusers/strict-fields.js";
import { describeUNet2DCondition } from "../diffusers/unet-2d-condition.js";
import { describeWan } from "../diffusers/wan.js";
import { shown } from "../pickle/text-values.js";

/** A network that draws pictures or clips from text, without weights yet. */
export type TextToImageNetwork = (
  | { kind: "unet-2d-condition"; module: UNet2DConditionModel }
  | { kind: "sd3"; module: Sd3Transformer }
  | { kind: "flux"; module: FluxTransformer }
  | { kind: "wan"; module: WanTransformer }
) & {
  /** of one sample, `[C, H, W]` or `[C, T, H, W]`; null stands for what the configuration does not give */
  sampleShape: readonly [channels: number, ...sides: (number | null)[]];
};

/** Networks that are rebuilt, by diffusers' classes. */
const networks: Readonly<Record<string, (component: GivenConfig) => TextToImageNetwork>> = {
  UNet2DConditionModel: (component) => {
    const { options, sampleSize } = describeUNet2DCondition(component);
    const [height, width] = sampleSize ?? [null, null];
    const module = new UNet2DConditionModel(noWeights, options);
    return { kind: "unet-2d-condition", module, sampleShape: [options.inChannels, height, width] };
  },
  SD3Transformer2DModel: (component) => {
    const { options, sampleSize } = describeSd3(component);
    const module = new Sd3Transformer(noWeights, options);
    return { kind: "sd3", module, sampleShape: [options.inChannels, ...sampleSize] };
  },
  FluxTransformer2DModel: (component) => {
    const options = describeFlux(component);
    const module = new FluxTransformer(noWeights, options);
    return { kind: "flux", module, sampleShape: [options.imageChannels, null, null] };
  },
  WanTransformer3DModel: (component) => {
    const options = describeWan(component);
    const module = new WanTransformer(noWeights, options);
    return { kind: "wan", module, sampleShape: [options.inChannels, null, null, null] };
  },
};

/** Whether a class of diffusers is a text-to-image network that is rebuilt. */
export function isTextToImageNetwork(className: string): boolean {
  return Object.hasOwn(networks, className);
}

/** Builds the network that a configuration describes. @throws DisbackError naming file and field */
export function buildTextToImageNetwork(component: GivenConfig, className: string): TextToImageNetwork {
  const build = networks[className];
  if (build && Object.hasOwn(networks, className)) return build(component);
  throw new DisbackError(
    `${component.configPath}: ${shown(className)} is not known; ${Object.keys(networks).join(", ")} are`,
  );
}

/** A network that is only run: no dropout, no gradients for its weights. */
export function forInference<Network extends Module>(network: Network): Network {
  return network.eval().requiresGrad_(false);
}
