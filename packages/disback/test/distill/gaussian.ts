import { ops, parameter, type Tensor, tensor } from "@disback/torch";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { DenoiserModule } from "../../src/models/denoiser.js";
import type { ModelFacts } from "../../src/models/facts.js";

/**
 * The exact denoiser of data `N(mu, s^2 I)`: D(x; sigma) = (s^2 x + sigma^2 mu) / (s^2 + sigma^2), with mu as its only
 * weight. Everything the two stages do to it has a closed form.
 */
export class GaussianDenoiser extends DenoiserModule {
  readonly mean: Tensor;
  readonly facts: ModelFacts;
  private readonly variance: number;

  /** @param sigmaData what it says of its data; the losses go by it @param classes it is told, and does not mind */
  constructor(mean: number[], { deviation = 0.5, sigmaData = 0.5, classes = 0 } = {}) {
    super();
    this.mean = parameter(tensor(mean));
    this.variance = deviation ** 2;
    this.facts = {
      sampleShape: [mean.length],
      sigmaData,
      condition: classes > 0 ? { class: [classes] } : {},
    };
  }

  denoise(x: Tensor, sigma: Tensor): Tensor {
    const noise = sigma.square().unsqueeze(1);
    return x.mul(this.variance).add(noise.mul(this.mean)).div(noise.add(this.variance));
  }

  get point(): number[] {
    return this.mean.toArray() as number[];
  }
}

export function gaussianStudent(mean: number[]): DenoiserStudent {
  return new DenoiserStudent(new GaussianDenoiser(mean), { sigmaInit: 2.5 });
}

/** Where the student's samples lie on average: its network's estimate at x = 0. */
export function sampleMean(student: DenoiserStudent): number[] {
  const steps = student.evaluations > 1 ? [student.evaluations] : [];
  const one = ops.zeros([1, ...steps, ...student.facts.sampleShape]);
  return student.generate(one).at(0).toArray() as number[];
}
