import { randn, type Tensor } from "@disback/torch";
import type { PictureAutoencoder } from "../models/autoencoder/picture-autoencoder.js";
import type { DataFit } from "./training.js";

/**
 * A variational autoencoder (Kingma and Welling 2014) is fitted to pictures x, without the perceptual and adversarial terms of
 * Rombach et al. 2022:
 *
 *     L = E |x - decode(mu + sigma n)|^2 + klWeight D,   D = E (mu^2 + sigma^2 - 1 - ln sigma^2) / 2,
 *
 * both per number, of a picture and of a latent.
 */
export class VariationalFit implements DataFit<PictureAutoencoder> {
  /** @param klWeight weight of the divergence D from a standard normal; 1e-6 in latent diffusion */
  constructor(private readonly klWeight = 1e-6) {}

  loss({ autoencoder }: PictureAutoencoder, { samples: images }: Samples, random: Random): Tensor {
    const { mean, logVariance } = autoencoder.moments(images);
    const noise = randn(mean.shape, { generator: random, device: mean.device });
    const drawn = mean.add(logVariance.div(2).exp().mul(noise));
    const error = autoencoder.decoded(drawn).sub(images).square().mean();
    return error.add(divergence(mean, logVariance).mul(this.klWeight));
  }
}

type Samples = Pick<Parameters<DataFit<PictureAutoencoder>["loss"]>[1], "samples">;
type Random = Parameters<DataFit<PictureAutoencoder>["loss"]>[2];

/** D of N(mean, exp(logVariance)) from a standard normal, per number, in nats. @returns a tensor `[]` */
export function divergence(mean: Tensor, logVariance: Tensor): Tensor {
  return mean.square().add(logVariance.exp()).sub(1).sub(logVariance).mean().div(2);
}
