import { Generator, inferenceMode, Module, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { ModelFacts } from "../facts.js";
import { randomWeights } from "../weights.js";
import { type KlConfig, reduction } from "./autoencoder-config.js";
import { AutoencoderKl } from "./autoencoder-kl.js";

/** An autoencoder while it is trained on pictures of one size: as a generator, it makes their reconstructions of pictures. */
export class PictureAutoencoder extends Module {
  readonly facts: ModelFacts;
  readonly latentShape: readonly number[];

  /** @param sampleShape shape of one picture `[C, H, W]` @throws DisbackError if it does not fit the autoencoder */
  constructor(
    readonly autoencoder: AutoencoderKl,
    sampleShape: readonly number[],
  ) {
    super();
    requirePictures(autoencoder.config, sampleShape);
    this.latentShape = sampleShape;
    this.facts = { sampleShape: [...sampleShape], sigmaData: 1, condition: {} };
  }

  /** @param images `[N, C, H, W]` in [-1, 1] @returns their reconstructions, of the latents' means */
  generate(images: Tensor): Tensor {
    return scope(() => this.autoencoder.decode(this.autoencoder.encode(images)));
  }

  /**
   * The autoencoder by itself, scaled so that its latents have a standard deviation of 1; in evaluation mode, frozen.
   * @param images pictures `[N, C, H, W]` from which that is measured
   */
  withUnitLatents(images: Tensor): AutoencoderKl {
    const { autoencoder } = this;
    const plain: KlConfig = { ...autoencoder.config, scalingFactor: 1, shiftFactor: 0 };
    const made = new AutoencoderKl(randomWeights(new Generator(0)), plain);
    made.loadStateDict(autoencoder.stateDict());
    made.to({ device: images.device }).eval().requiresGrad_(false);
    const deviation = inferenceMode(() => scope(() => made.encode(images).std().item()));
    made.config.scalingFactor = 1 / deviation;
    return made;
  }
}

/** @throws DisbackError if pictures have other channels, or sides that cannot be halved as often */
export function requirePictures(config: KlConfig, [channels, ...sides]: readonly number[]): void {
  const factor = reduction(config);
  if (channels === config.imageChannels && sides.length === 2 && sides.every((side) => side % factor === 0))
    return;
  throw new DisbackError(
    `autoencoder: pictures of shape [${[channels, ...sides].join(", ")}]; it takes ${config.imageChannels} channels and sides of a multiple of ${factor}`,
  );
}
