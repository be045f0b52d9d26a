import { type DType, Module, scope, type Tensor } from "@disback/torch";
import { reduction, type TinyConfig } from "../autoencoder/autoencoder-config.js";
import { inSlices } from "../autoencoder/scaling.js";
import { inDtype } from "../network.js";
import type { WeightSource } from "../weights.js";
import { TinyActivation, TinyBlock, TinyConvolution, TinyEnlargement, type TinyLayer } from "./layers.js";

/**
 * TAESD (Boer Bohan 2023), an autoencoder distilled from a large one, for the same latents at a fraction of the cost.
 * Keys of its state are those of `AutoencoderTiny` of diffusers.
 */
export class TinyAutoencoder extends Module {
  readonly encoder: { layers: TinyLayer[] };
  readonly decoder: { layers: TinyLayer[] };

  constructor(
    source: WeightSource,
    readonly config: TinyConfig,
  ) {
    super();
    this.encoder = { layers: encoderLayers(source, config) };
    this.decoder = { layers: decoderLayers(source, config) };
  }

  /** dtype of its weights */
  get dtype(): DType {
    return this.parameters()[0]!.dtype;
  }

  /**
   * Latents scaled for a diffusion model. Without gradients.
   * @param images `[N, C, H, W]` in [-1, 1] @returns `[N, latentChannels, H / reduction, W / reduction]`
   */
  encode(images: Tensor): Tensor {
    return inSlices(images, images.shape[3]! ** 2, (slice) => this.encoded(slice));
  }

  /** As `encode`, all at once and with gradients. */
  encoded(images: Tensor): Tensor {
    return encodedBy(this.encoder, this.config, inDtype(images, this.dtype));
  }

  /**
   * Images of scaled latents. Without gradients.
   * @param latents `[N, latentChannels, h, w]` @returns `[N, C, H, W]`, about in [-1, 1]
   */
  decode(latents: Tensor): Tensor {
    return inSlices(latents, (latents.shape[3]! * reduction(this.config)) ** 2, (slice) =>
      this.decoded(slice),
    );
  }

  /** As `decode`, all at once and with gradients. */
  decoded(latents: Tensor): Tensor {
    return decodedBy(this.decoder, this.config, inDtype(latents, this.dtype));
  }
}

/** One half of a tiny autoencoder. */
export interface TinyHalf {
  readonly layers: TinyLayer[];
}

/** As `TinyAutoencoder.encoded`, by an encoder alone. */
export function encodedBy({ layers }: TinyHalf, config: TinyConfig, images: Tensor): Tensor {
  const { scalingFactor, shiftFactor } = config;
  return scope(() => through(layers, images.add(1).div(2)).sub(shiftFactor).mul(scalingFactor));
}

/** As `TinyAutoencoder.decoded`, by a decoder alone. */
export function decodedBy({ layers }: TinyHalf, config: TinyConfig, latents: Tensor): Tensor {
  return scope(() => {
    const plain = latents.div(config.scalingFactor).add(config.shiftFactor);
    // Within -3 to 3, where the large autoencoder's latents are.
    return through(layers, plain.div(3).tanh().mul(3)).mul(2).sub(1);
  });
}

/** Releases each layer's input: at full resolution one is larger than all weights together. */
function through(layers: readonly TinyLayer[], x: Tensor): Tensor {
  let hidden = x;
  for (const layer of layers) {
    const before = hidden;
    hidden = layer.forward(before);
    before.dispose();
  }
  return hidden;
}

function encoderLayers(source: WeightSource, config: TinyConfig): TinyLayer[] {
  const { encoderChannels: channels, imageChannels, latentChannels, activation } = config;
  const levels = config.encoderBlocks.flatMap((blocks, level) => [
    level === 0
      ? new TinyConvolution(source, imageChannels, channels)
      : new TinyConvolution(source, channels, channels, { stride: 2, bias: false }),
    ...Array.from({ length: blocks }, () => new TinyBlock(source, channels, activation)),
  ]);
  return [...levels, new TinyConvolution(source, channels, latentChannels)];
}

function decoderLayers(source: WeightSource, config: TinyConfig): TinyLayer[] {
  const { decoderChannels: channels, imageChannels, latentChannels, activation } = config;
  const levels = config.decoderBlocks.flatMap((blocks, level, all): TinyLayer[] => {
    const body = Array.from({ length: blocks }, () => new TinyBlock(source, channels, activation));
    if (level === all.length - 1) return [...body, new TinyConvolution(source, channels, imageChannels)];
    const convolution = new TinyConvolution(source, channels, channels, { bias: false });
    return [...body, new TinyEnlargement(config.enlargement), convolution];
  });
  return [new TinyConvolution(source, latentChannels, channels), new TinyActivation(activation), ...levels];
}
