import { defaultGenerator, type Generator } from "@disback/torch";
import { ConditionedNetwork } from "./conditioned-network.js";
import {
  type DenoiserConfig,
  type DenoiserConfigInput,
  factsOf,
  pairLayout,
  parseDenoiserConfig,
  sampleShape,
} from "./denoiser-config.js";
import { DhariwalUNet } from "./dhariwal-unet.js";
import { Dit } from "./dit/dit.js";
import { Edm2UNet } from "./edm2/edm2-unet.js";
import { Mlp } from "./mlp.js";
import type { Network } from "./network.js";
import { PairUNet } from "./pair-unet/pair-unet.js";
import { DiscreteDenoiser } from "./preconditioning/discrete.js";
import { EdmDenoiser } from "./preconditioning/edm.js";
import { FlowMatchingDenoiser } from "./preconditioning/flow-matching.js";
import { IddpmDenoiser } from "./preconditioning/iddpm.js";
import { LetterDenoiser } from "./preconditioning/letters.js";
import { PairDenoiser } from "./preconditioning/pairs.js";
import type { PreconditionedDenoiser } from "./preconditioning/preconditioned.js";
import { VeDenoiser } from "./preconditioning/ve.js";
import { VpDenoiser } from "./preconditioning/vp.js";
import { SongUNet } from "./song-unet.js";
import { TextTransformer } from "./text-transformer/text-transformer.js";
import { TextUNet } from "./text-unet/text-unet.js";
import { FluxTransformer } from "./transformers/flux/flux-transformer.js";
import { Sd3Transformer } from "./transformers/sd3/sd3-transformer.js";
import { WanTransformer } from "./transformers/wan/wan-transformer.js";
import { UNet2D } from "./unet-2d/unet-2d.js";
import { UNet2DConditionModel } from "./unet-2d-condition/unet-2d-condition.js";
import { VideoDit } from "./video-dit/video-dit.js";
import { VideoUNet } from "./video-unet.js";
import { randomWeights, type WeightSource } from "./weights.js";

/**
 * A fresh denoiser with random weights; the same generator state gives the same weights.
 * @param options.generator draws the weights (default: the default generator)
 * @throws DisbackError naming the field of the configuration that is wrong
 */
export function createDenoiser(
  config: DenoiserConfigInput,
  options: { generator?: Generator } = {},
): PreconditionedDenoiser {
  return buildDenoiser(parseDenoiserConfig(config), randomWeights(options.generator ?? defaultGenerator()));
}

/** A denoiser whose weights come from `source`. */
export function buildDenoiser(config: DenoiserConfig, source: WeightSource): PreconditionedDenoiser {
  const network = buildNetwork(config, source);
  const facts = factsOf(config);
  if (config.network === "text-transformer") return new LetterDenoiser(network, facts, config);
  if (config.network === "pair-unet") return new PairDenoiser(network, facts, pairLayout(config), config);
  switch (config.preconditioning) {
    case "edm":
      return new EdmDenoiser(network, facts, config);
    case "vp":
      return new VpDenoiser(network, facts, config);
    case "ve":
      return new VeDenoiser(network, facts, config);
    case "iddpm":
      return new IddpmDenoiser(network, facts, config);
    case "discrete":
      return new DiscreteDenoiser(network, facts, { ...config, firstStep: firstStep(config) });
    case "flow-matching":
      return new FlowMatchingDenoiser(network, facts);
  }
}

function buildNetwork(config: DenoiserConfig, source: WeightSource): Network {
  const inChannels = sampleShape(config)[0]!;
  const outChannels = estimatesVariance(config) ? 2 * inChannels : inChannels;
  const sizes = { inChannels, outChannels };
  switch (config.network) {
    case "song-unet":
      return new SongUNet(source, { ...config, ...sizes });
    case "video-unet":
      return new VideoUNet(source, { ...config, ...sizes }, config.frames);
    case "dhariwal-unet":
      return new DhariwalUNet(source, { ...config, ...sizes });
    case "edm2":
      return new Edm2UNet(source, { ...config, ...sizes });
    case "dit":
      return new Dit(source, { ...config, ...sizes });
    case "video-dit":
      return new VideoDit(source, { ...config, ...sizes, noiseScale: stepScale(config) });
    case "unet-2d":
      return new UNet2D(source, { ...config, ...sizes });
    case "unet-2d-condition":
      return new ConditionedNetwork(new UNet2DConditionModel(source, { ...config, ...sizes }));
    case "sd3":
      return new ConditionedNetwork(new Sd3Transformer(source, { ...config, ...sizes }));
    case "flux":
      return new ConditionedNetwork(new FluxTransformer(source, { ...config, ...sizes }));
    case "wan":
      return new ConditionedNetwork(new WanTransformer(source, { ...config, ...sizes }));
    case "text-unet":
      return new TextUNet(source, { ...config, ...sizes, noiseScale: stepScale(config) });
    case "text-transformer":
      return new TextTransformer(source, { ...config, letterCount: config.letters.length });
    case "pair-unet": {
      const { imageChannels: channels, letterChannels } = config;
      const shape = { ...config, inChannels: channels, outChannels: channels };
      return new PairUNet(source, shape, letterChannels, pairLayout(config));
    }
    case "mlp":
      return new Mlp(source, {
        ...{ ...config, ...sizes, augmentDim: config.augmentDim ?? 0 },
        noiseScale: mlpNoiseScale(config),
      });
  }
}

/** There is no logarithm of step 0. */
function firstStep(config: DenoiserConfig): number {
  return config.network === "unet-2d" && config.stepEmbedding === "fourier" ? 1 : 0;
}

/** iDDPM's network always does. */
function estimatesVariance({ preconditioning, learnedVariance }: DenoiserConfig): boolean {
  return preconditioning === "iddpm" || learnedVariance === true;
}

/** The same for a network that takes steps up to 1000. */
function stepScale({ preconditioning }: DenoiserConfig): number {
  return preconditioning === "edm" || preconditioning === "ve" ? 250 : 1;
}

/** VP, iDDPM and DDPM give the network steps up to 1000; EDM and VE give it a logarithm of a few units. */
function mlpNoiseScale({ preconditioning }: DenoiserConfig): number {
  return preconditioning === "edm" || preconditioning === "ve" ? 10 : 1;
}
