import { Generator, noGrad, ops, type State, type Tensor, zeros } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { PictureDiscriminator } from "../../models/generators/picture-discriminator.js";
import { randomWeights } from "../../models/weights.js";
import { requireWeight } from "../discriminator.js";
import type { GeneratorModule } from "../generator-student.js";
import type {
  Objective,
  ObjectiveInput,
  ObjectiveSetting,
  StudentInput,
  StudentSignal,
} from "../objective.js";
import { deviceOf } from "../student.js";

export interface OutputMatchingOptions {
  /** weight of the squared difference, default 1; 0 for adversarial training alone */
  squaresWeight?: number;
  /** weight of the adversarial term, default 0 (none) */
  adversarialWeight?: number;
  /** channels of the discriminator at half the resolution, default 32 */
  discriminatorChannels?: number;
}

/**
 * The student learns the target's outputs at the same latents, for teachers that are no denoisers: GANs, decoders, encoders.
 *
 *     minimise squaresWeight E | G(z) - D'_i(z) |^2 + adversarialWeight E softplus(-d(G(z)))
 *
 * A discriminator `d` of pictures tells the student's outputs from the target's: it minimises
 * `E [softplus(d(G(z))) + softplus(-d(D'_i(z)))]`. Squares alone blur where the student cannot follow; the adversarial term
 * alone is a GAN whose data are the target's outputs. TAESD's decoder has both (Boer Bohan 2023). There is no auxiliary model. The
 * mismatch degree is 1 plus the squared difference over the variance of the target's outputs.
 */
export class OutputMatching implements Objective<GeneratorModule> {
  readonly name = "output-matching";
  readonly fitsAuxiliary = false;
  readonly auxiliaryLoss?: (input: ObjectiveInput<GeneratorModule>) => Tensor;
  private readonly squaresWeight: number;
  private readonly adversarialWeight: number;
  private readonly channels: number;
  private discriminator: PictureDiscriminator | undefined;

  /** @throws DisbackError naming the option that is out of its range */
  constructor({
    squaresWeight = 1,
    adversarialWeight = 0,
    discriminatorChannels = 32,
  }: OutputMatchingOptions = {}) {
    this.squaresWeight = requireWeight(this.name, "squaresWeight", squaresWeight);
    this.adversarialWeight = requireWeight(this.name, "adversarialWeight", adversarialWeight);
    this.channels = discriminatorChannels;
    if (squaresWeight === 0 && adversarialWeight === 0)
      throw new DisbackError(`${this.name}: one of "squaresWeight" and "adversarialWeight" must be above 0`);
    if (adversarialWeight > 0) this.auxiliaryLoss = (input) => this.discriminatorLoss(input);
  }

  prepare({ student, seed }: ObjectiveSetting<GeneratorModule>): void {
    if (this.adversarialWeight === 0) return;
    const { sampleShape } = student.facts;
    if (sampleShape.length !== 3)
      throw new DisbackError(`${this.name}: "adversarialWeight" needs outputs that are pictures`);
    const source = randomWeights(new Generator(seed + 5));
    const made = new PictureDiscriminator(source, { sampleShape, modelChannels: this.channels });
    this.discriminator = made.to({ device: deviceOf(student) });
  }

  studentSignal({ samples, latents, condition, target }: StudentInput<GeneratorModule>): StudentSignal {
    const wanted = noGrad(() => target.generate(latents, condition));
    const squares = ops.mse_loss(samples, wanted);
    const difference = squares.detach();
    const spread = ops.var_dim(wanted, 0, false).mean().clamp(1e-12);
    const told = {
      ...{ difference, targetError: difference.div(spread).add(1) },
      auxiliaryError: zeros([], { device: samples.device }).add(1),
    };
    const loss = squares.mul(this.squaresWeight);
    if (!this.discriminator) return { ...told, loss };
    const adversarial = ops.softplus(this.discriminator.forward(samples).neg()).mean();
    return {
      ...told,
      loss: loss.add(adversarial.mul(this.adversarialWeight)),
      adversarial: adversarial.detach(),
    };
  }

  private discriminatorLoss({
    samples,
    latents,
    condition,
    target,
  }: ObjectiveInput<GeneratorModule>): Tensor {
    const wanted = noGrad(() => target.generate(latents, condition));
    const { discriminator } = this;
    const generated = ops.softplus(discriminator!.forward(samples.detach())).mean();
    return generated.add(ops.softplus(discriminator!.forward(wanted).neg()).mean());
  }

  parameters(): Tensor[] {
    return this.discriminator?.parameters() ?? [];
  }

  state(): State {
    return { tensors: this.discriminator?.stateDict() ?? new Map(), values: {} };
  }

  loadState(state: State): void {
    this.discriminator?.loadStateDict(state.tensors);
  }

  dispose(): void {
    this.discriminator?.dispose();
  }
}
