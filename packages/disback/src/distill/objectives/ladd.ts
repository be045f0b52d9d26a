import { gradient, noGrad, ops, type Tensor } from "@disback/torch";
import type { DirectInput, DirectObjective } from "../direct-objective.js";
import { Discriminator, type DiscriminatorOptions } from "../discriminator.js";
import { draw, generate } from "../student.js";
import { Discriminated } from "./discriminated.js";

/**
 * Latent adversarial diffusion distillation (Sauer et al. 2024, LADD): discriminators on the frozen teacher's features of
 * noised samples, one for each depth, are all that teaches,
 *
 *     L_d = mean over depths of E [ softplus(d(x0 + sigma n)) + softplus(-d(y + sigma' n')) ],   x0 = G(z),  y real,
 *     L_G = mean over depths of E softplus(-d(x0 + sigma n)).
 *
 * As in the paper a head sits on every block of a transformer; here also on every block of `mlp`, and on the encoder's end
 * of each resolution of U-Nets. `edm2`, `text-unet`, networks of clips and pairs, and own modules have one, at their
 * narrowest place. R1 is optional, see `Discriminator`. The loss is that of all discriminators here. The paper's real
 * samples are the teacher's own, drawn with guidance: give such samples as `real`.
 */
export class Ladd extends Discriminated implements DirectObjective {
  readonly name = "ladd";

  /** @throws DisbackError naming the option that is out of its range */
  constructor(options: DiscriminatorOptions) {
    super(new Discriminator("ladd", options, "layers"));
  }

  /** @throws DisbackError as `Discriminator.prepare` */
  prepare({ student, teacher, seed }: Parameters<NonNullable<DirectObjective["prepare"]>>[0]): void {
    this.discriminator.prepare(student, teacher, seed);
  }

  ownLoss({ student, teacher, count, random }: DirectInput): Tensor {
    const drawn = draw(student, count, random);
    const samples = noGrad(() => generate(student, drawn));
    return this.discriminator.loss(samples, { ...drawn, denoiser: teacher, random, frozen: true });
  }

  loss({ student, teacher, count, random }: DirectInput): Tensor {
    const drawn = draw(student, count, random);
    const samples = generate(student, drawn);
    const seen = samples.detach().requiresGrad_();
    const logits = this.discriminator.logits(seen, { ...drawn, denoiser: teacher, random });
    const loss = ops.softplus(logits.neg()).mean();
    // Through the samples alone, so that the teacher's weights and the head's get no gradients.
    const [towardsReal] = gradient([loss], [seen]);
    const injected = samples.mul(towardsReal!).sum();
    return injected.sub(injected.detach()).add(loss.detach());
  }
}
