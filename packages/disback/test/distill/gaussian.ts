import { Generator, ops, parameter, type Tensor, tensor } from "@disback/torch";
import { StudentGenerator } from "../../src/distill/student-generator.js";
import { DenoiserModule } from "../../src/models/denoiser.js";

/**
 * The exact denoiser of data `N(mu, s^2 I)`: D(x; sigma) = (s^2 x + sigma^2 mu) / (s^2 + sigma^2), with mu as its only
 * weight. Everything the two stages do to it has a closed form.
 */
export class GaussianDenoiser extends DenoiserModule {
  readonly mean: Tensor;
  private readonly variance: number;

  constructor(mean: number[], deviation = 0.5) {
    super();
    this.mean = parameter(tensor(mean));
    this.variance = deviation ** 2;
  }

  denoise(x: Tensor, sigma: Tensor): Tensor {
    const noise = sigma.square().unsqueeze(1);
    return x.mul(this.variance).add(noise.mul(this.mean)).div(noise.add(this.variance));
  }

  get point(): number[] {
    return this.mean.toArray() as number[];
  }
}

export function gaussianStudent(mean: number[]): StudentGenerator {
  return new StudentGenerator(new GaussianDenoiser(mean), { sigmaInit: 2.5, sampleShape: [mean.length] });
}

/** Where the student's samples lie on average: its network's estimate at x = 0. */
export function sampleMean(student: StudentGenerator): number[] {
  const steps = student.steps > 1 ? [student.steps] : [];
  const one = ops.zeros([1, ...steps, student.sampleShape[0]!]);
  return student.generate(one).at(0).toArray() as number[];
}

export const fixedSeed = () => new Generator(12);
