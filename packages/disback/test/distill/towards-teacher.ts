import { Generator, randn, type Tensor, tensor } from "@disback/torch";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { SamplePool } from "../../src/distill/sample-pool.js";
import type { FeatureDenoiser } from "../../src/models/denoiser.js";
import { GaussianDenoiser, sampleMean } from "./gaussian.js";

/** A Gaussian's denoiser that shows a discriminator the noisy sample beside the estimate's mean. */
export class SeenGaussian extends GaussianDenoiser implements FeatureDenoiser {
  features(x: Tensor): Tensor {
    return x.sub(this.mean);
  }
}

/** The teacher that students are brought to in tests of objectives. */
export const teacher = () => new SeenGaussian([1, -1]);

/** Samples of its data. */
export const realSamples = () =>
  new SamplePool({
    samples: randn([500, 2], { generator: new Generator(3) })
      .mul(0.5)
      .add(tensor([1, -1])),
  });

/** Distance of a student's samples from the teacher's, between their means. */
export function farFromTeacher(student: DenoiserStudent): number {
  const [x, y] = sampleMean(student);
  return Math.hypot(x! - 1, y! + 1);
}

/** A student of three steps with a Gaussian's network. */
export const fewStepStudent = (mean: number[]) =>
  new DenoiserStudent(new GaussianDenoiser(mean), { sigmaInit: 2.5, laterSigmas: [0.8, 0.2] });
