import type { State, Tensor } from "@disback/torch";
import type { Discriminator } from "../discriminator.js";
import type { ObjectiveInput, ObjectiveSetting } from "../objective.js";
import type { Dmd } from "./dmd.js";

/** An objective with a discriminator, whose weights are the objective's own. */
export abstract class Discriminated {
  constructor(protected readonly discriminator: Discriminator) {}

  parameters(): Tensor[] {
    return this.discriminator.parameters();
  }

  state(): State {
    return this.discriminator.state();
  }

  loadState(state: State): void {
    this.discriminator.loadState(state);
  }

  dispose(): void {
    this.discriminator.dispose();
  }
}

/** DMD with a discriminator on the auxiliary model's features, trained together with that model. */
export abstract class DiscriminatedDmd extends Discriminated {
  /** @param discriminatorWeight weight of the discriminator's loss in the auxiliary model's step */
  constructor(
    discriminator: Discriminator,
    protected readonly matching: Dmd,
    private readonly discriminatorWeight: number,
  ) {
    super(discriminator);
  }

  /** @throws DisbackError as `Discriminator.prepare` */
  prepare({ student, auxiliary, seed }: ObjectiveSetting): void {
    this.discriminator.prepare(student, auxiliary!, seed);
  }

  auxiliaryLoss(input: ObjectiveInput): Tensor {
    const loss = this.matching.auxiliaryLoss(input);
    const told = this.discriminator.loss(input.samples, { ...input, denoiser: input.auxiliary });
    return loss.add(told.mul(this.discriminatorWeight));
  }
}
