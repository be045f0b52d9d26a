import { Module, type Tensor } from "@disback/torch";
import { reduction } from "../models/autoencoder/autoencoder-config.js";
import { type AutoencoderKl, decodedBy, momentsOf } from "../models/autoencoder/autoencoder-kl.js";
import { scaled } from "../models/autoencoder/scaling.js";
import * as tiny from "../models/autoencoder-tiny/autoencoder-tiny.js";
import type { GeneratorModule } from "./generator-student.js";

/**
 * Halves of autoencoders as models that map "latents" to outputs, so that they are recorded and distilled as generators are.
 * A decoder maps scaled latents to pictures; an encoder maps pictures to scaled latents, their mean. They share the
 * autoencoder's weights.
 */
abstract class Half extends Module implements GeneratorModule {
  /** @param latentShape shape of one input @param sampleShape shape of one output */
  constructor(
    readonly latentShape: readonly number[],
    readonly sampleShape: readonly number[],
  ) {
    super();
  }

  abstract generate(latents: Tensor): Tensor;
}

export class KlDecoder extends Half {
  readonly decoder: AutoencoderKl["decoder"];
  readonly post_quant_conv: AutoencoderKl["post_quant_conv"];
  readonly config: AutoencoderKl["config"];

  /** @param side height and width of the pictures */
  constructor(autoencoder: AutoencoderKl, side: number) {
    const { config } = autoencoder;
    const low = side / reduction(config);
    super([config.latentChannels, low, low], [config.imageChannels, side, side]);
    this.decoder = autoencoder.decoder;
    this.post_quant_conv = autoencoder.post_quant_conv;
    this.config = config;
  }

  generate(latents: Tensor): Tensor {
    return decodedBy(this, latents);
  }
}

export class KlEncoder extends Half {
  readonly encoder: AutoencoderKl["encoder"];
  readonly quant_conv: AutoencoderKl["quant_conv"];
  readonly config: AutoencoderKl["config"];

  /** @param side height and width of the pictures */
  constructor(autoencoder: AutoencoderKl, side: number) {
    const { config } = autoencoder;
    const low = side / reduction(config);
    super([config.imageChannels, side, side], [config.latentChannels, low, low]);
    this.encoder = autoencoder.encoder;
    this.quant_conv = autoencoder.quant_conv;
    this.config = config;
  }

  generate(images: Tensor): Tensor {
    return scaled(momentsOf(this, images).mean, this.config);
  }
}

/** Either half of a tiny autoencoder; keys as in the whole one. */
export class TinyHalf extends Half {
  readonly encoder?: tiny.TinyHalf;
  readonly decoder?: tiny.TinyHalf;
  private readonly config: tiny.TinyAutoencoder["config"];

  /** @param side height and width of the pictures */
  constructor(autoencoder: tiny.TinyAutoencoder, which: "encoder" | "decoder", side: number) {
    const { imageChannels, latentChannels } = autoencoder.config;
    const low = side / reduction(autoencoder.config);
    const [picture, latent] = [
      [imageChannels, side, side],
      [latentChannels, low, low],
    ];
    super(...((which === "decoder" ? [latent, picture] : [picture, latent]) as [number[], number[]]));
    this[which] = autoencoder[which];
    this.config = autoencoder.config;
  }

  generate(input: Tensor): Tensor {
    return this.decoder
      ? tiny.decodedBy(this.decoder, this.config, input)
      : tiny.encodedBy(this.encoder!, this.config, input);
  }
}
