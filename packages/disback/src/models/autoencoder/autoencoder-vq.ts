import { Module, ops, parameter, type Tensor } from "@disback/torch";
import { Convolution } from "../convolution.js";
import { torchStart } from "../unet-2d/start.js";
import type { WeightSource } from "../weights.js";
import { reduction, type VqConfig } from "./autoencoder-config.js";
import { Decoder, Encoder } from "./halves.js";
import { inSlices, intoRange, outOfRange, scaled, unscaled } from "./scaling.js";

/**
 * An autoencoder with a codebook (van den Oord et al. 2017; Esser et al. 2021): diffusion works on latents that are not
 * quantized, and decoding takes the nearest codebook vector at every position. Keys of its state are those of VQModel
 * in diffusers.
 */
export class AutoencoderVq extends Module {
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly quant_conv: Convolution;
  readonly quantize: Codebook;
  readonly post_quant_conv: Convolution;

  constructor(
    source: WeightSource,
    readonly config: VqConfig,
  ) {
    super();
    const { latentChannels, innerChannels = latentChannels } = config;
    this.encoder = new Encoder(source, config, innerChannels);
    this.decoder = new Decoder(source, config, innerChannels);
    this.quant_conv = new Convolution(source, innerChannels, latentChannels, 1, torchStart);
    this.quantize = new Codebook(source, config.codebookSize, latentChannels);
    this.post_quant_conv = new Convolution(source, latentChannels, innerChannels, 1, torchStart);
  }

  /** As `Autoencoder.encode`: the latents are not quantized. */
  encode(images: Tensor): Tensor {
    return inSlices(images, images.shape[3]! ** 2, (slice) =>
      scaled(this.quant_conv.forward(this.encoder.forward(intoRange(slice, this.config))), this.config),
    );
  }

  /** As `Autoencoder.decode`: the latents are quantized first. */
  decode(latents: Tensor): Tensor {
    return inSlices(latents, (latents.shape[3]! * reduction(this.config)) ** 2, (slice) =>
      this.decoded(slice),
    );
  }

  decoded(latents: Tensor): Tensor {
    const quantized = this.quantize.forward(unscaled(latents, this.config));
    return outOfRange(this.decoder.forward(this.post_quant_conv.forward(quantized)), this.config);
  }
}

/** A list of vectors. Each position of the input becomes the nearest of them. */
class Codebook extends Module {
  readonly embedding: Embedding;

  constructor(source: WeightSource, size: number, channels: number) {
    super();
    this.embedding = new Embedding(source, size, channels);
  }

  /** @param z `[N, C, h, w]` @returns the same shape */
  forward(z: Tensor): Tensor {
    const [batch, channels, height, width] = z.shape as [number, number, number, number];
    const places = z.permute([0, 2, 3, 1]).reshape([-1, channels]);
    const nearest = ops.cdist(places, this.embedding.weight).argmin(1);
    const vectors = ops.index_select(this.embedding.weight, 0, nearest);
    return vectors.reshape([batch, height, width, channels]).permute([0, 3, 1, 2]).contiguous();
  }
}

class Embedding extends Module {
  readonly weight: Tensor;

  constructor(source: WeightSource, size: number, channels: number) {
    super();
    const drawn = source.uniform([size, channels]);
    this.weight = parameter(source.shapesOnly ? drawn : drawn.div_(size));
  }
}
