import { gradient, noGrad, ops, type Tensor } from "@disback/torch";
import type { DirectInput, DirectObjective } from "../direct-objective.js";
import { Discriminator, type DiscriminatorOptions } from "../discriminator.js";
import { draw, generate } from "../student.js";
import { Discriminated } from "./discriminated.js";

/**
 * Latent adversarial diffusion distillation (Sauer et al. 2024, LADD): a discriminator on the frozen teacher's features of
 * noised samples is all that teaches,
 *
 *     L_d = E [ softplus(d(x0 + sigma n)) + softplus(-d(y + sigma' n')) ],   x0 = G(z),  y real,
 *     L_G = E softplus(-d(x0 + sigma n)).
 *
 * R1 is optional, see `Discriminator`. The paper's heads sit on several layers of a transformer, ours on the narrowest
 * place; its real samples are the teacher's own, drawn with guidance: give such samples as `real`.
 */
export class Ladd extends Discriminated implements DirectObjective {
  readonly name = "ladd";

  /** @throws DisbackError naming the option that is out of its range */
  constructor(options: DiscriminatorOptions) {
    super(new Discriminator("ladd", options));
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
