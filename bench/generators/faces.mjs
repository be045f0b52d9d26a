// A GAN as the teacher: smaller generators of a quarter and a tenth of its parameters, at the same latents. Methods: squares
// (imitation), path (the teacher's generator is first fitted to the untrained student's pictures, then followed back), both
// with a discriminator of the student's size, and a discriminator alone (a GAN from scratch, whose data are the teacher's).
import { join } from "node:path";
import { Generator, randn } from "@disback/torch";
import { GeneratorStudent, OutputFit, OutputMatching, StepsPerTarget } from "disback";
import { createGenerator, saveGenerator } from "disback/models";
import { bytesOf, run, speedOf } from "./common.mjs";
import { faceJudge, facesOf, openFaces } from "./gan.mjs";

const WIDTHS = { quarter: 32, tenth: 20 };
const MATCHING = {
  squares: {},
  path: {},
  "squares, adversarial": { adversarialWeight: 0.02 },
  "path, adversarial": { adversarialWeight: 0.02 },
  "adversarial alone": { squaresWeight: 0, adversarialWeight: 1 },
};

export async function* measure({
  seed,
  smoke,
  work,
  only,
  python,
  seconds,
  iterations = seconds ? 1e6 : 240,
}) {
  const { faces, difference } = await openFaces({ python, work });
  const judgeFaces = await faceJudge({ faces, smoke, python, work });
  const probes = randn([smoke ? 16 : 256, 100], { generator: new Generator(777) });
  const wanted = facesOf(faces, probes);
  const spread = wanted
    .sub(wanted.mean([0], true))
    .square()
    .mean()
    .item();
  const judge = async (student, options) => {
    const random = new Generator(99);
    const error = facesOf(student, probes).sub(wanted).square().mean().item() / spread;
    const figures = await judgeFaces(
      (count) => facesOf(student, randn([count, 100], { generator: random })),
      options,
    );
    return { error: Number(error.toPrecision(3)), ...figures };
  };
  if (!only) {
    const told = { ...(await judge(faces, { final: true })), perSecond: speedOf(faces, smoke ? 0.1 : 3) };
    yield {
      part: "faces",
      student: "teacher",
      method: "itself",
      seed: 0,
      pytorch: difference,
      ...told,
      bytes: bytesOf(faces.module),
    };
  }
  for (const one of only ?? []) {
    const [size, method] = one.split(":");
    const modelChannels = WIDTHS[size];
    const config = {
      network: "dcgan",
      latentSize: 100,
      modelChannels,
      imageResolution: 64,
      imageChannels: 3,
    };
    const module = createGenerator(config, { generator: new Generator(seed) });
    const student = new GeneratorStudent(module, { facts: faces.facts });
    const { result, curve, ...cost } = await run({
      ...{
        teacher: faces.module,
        student,
        seed,
        work,
        judge,
        fit: new OutputFit(),
        seconds,
        every: smoke ? 2 : iterations / 2,
      },
      method: method.startsWith("path") ? "path" : "plain",
      recording: { steps: smoke ? 3 : 40, batchSize: 32, learningRate: 1e-4, probes: smoke ? 8 : 64 },
      backtracking: {
        objective: new OutputMatching({ discriminatorChannels: modelChannels, ...MATCHING[method] }),
        ...{
          iterations: smoke ? 4 : iterations,
          batchSize: smoke ? 8 : 16,
          betas: [0.5, 0.999],
          emaDecay: 0.95,
        },
        ...{
          studentLearningRate: 1e-3,
          auxiliaryLearningRate: 2e-4,
          schedule: new StepsPerTarget(smoke ? 1 : 10),
        },
      },
    });
    if (seed === 1) saveGenerator(join(work, "students", `${size}, ${method}`), result.module, config);
    const end = await judge(result, { final: true });
    const speed = { perSecond: speedOf(result, smoke ? 0.1 : 3), bytes: bytesOf(result.module) };
    yield { part: "faces", student: size, method, seed, ...end, ...speed, ...cost, curve };
  }
}
