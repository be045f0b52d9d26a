// A teacher of your own: any module behind `denoise(x, sigma)`, trained here on points of a circle, then distilled.
// Run after `npm ci`:  node examples/own-teacher.mjs   (half a minute)
import { fileURLToPath } from "node:url";
import { Adam, cat, Generator, Linear, noGrad, rand, Sequential, SiLU, scope } from "@disback/torch";
import { backtrack, DenoiserModule, DenoiserStudent, denoisingLoss, LogNormal } from "disback";

const sigmaData = 0.5;

/** D(x; sigma) = x sigmaData^2 / v + F(x / sqrt(v), ln sigma / 4) sigma sigmaData / sqrt(v), v = sigma^2 + sigmaData^2. */
class MyTeacher extends DenoiserModule {
  facts = { sampleShape: [2], sigmaData, condition: {} };
  network = new Sequential(
    ...[new Linear(3, 128), new SiLU(), new Linear(128, 128), new SiLU(), new Linear(128, 2)],
  );

  denoise(x, sigma) {
    const level = sigma.unsqueeze(1).expand([x.shape[0], 1]);
    const variance = level.square().add(sigmaData ** 2);
    const output = this.network.forward(cat([x.mul(variance.rsqrt()), level.log().div(4)], 1));
    return x
      .mul(variance.reciprocal().mul(sigmaData ** 2))
      .add(output.mul(level.mul(variance.rsqrt()).mul(sigmaData)));
  }
}

const circle = (count, generator) => {
  const angle = rand([count, 1], { generator }).mul(2 * Math.PI);
  return cat([angle.cos(), angle.sin()], 1).mul(0.7);
};

/** @returns how far the student's points are from the circle on average: 0 is perfect; at its start 0.59, at its end 0.07 */
export function distillMyTeacher({ training = 2000, iterations = 600 } = {}) {
  // Or loaded: teacher.loadStateDict(readSafetensors("weights.safetensors").tensors)
  const teacher = new MyTeacher();
  const optimizer = new Adam(teacher.parameters(), { lr: 2e-3 });
  const random = new Generator(0);
  for (let step = 0; step < training; step++)
    scope(() => {
      optimizer.zeroGrad();
      denoisingLoss(teacher, circle(256, random), new LogNormal(), { random }).backward();
      optimizer.step();
    });
  const student = new DenoiserStudent(teacher.clone(), { sigmaInit: 2.5 });
  const oneStep = backtrack({
    teacher,
    student,
    iterations,
    batchSize: 256,
    studentLearningRate: 3e-4,
  });
  const points = noGrad(() => oneStep.generate(student.latents(1000, new Generator(1))));
  return points.square().sum(1).sqrt().sub(0.7).abs().mean().item();
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log("distance from the circle:", distillMyTeacher());
