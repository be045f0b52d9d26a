// The other way from a GAN: a denoiser is fitted to its pictures, here at half the size (32x32), and distilled as usual into one of
// half the channels (imitation, then Diff-Instruct). FID in our features, which see everybody's pictures at that size.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Generator, inferenceMode, ops, randn } from "@disback/torch";
import { DenoiserStudent, DiffInstruct, imitate } from "disback";
import { openDataset, writeNpz } from "disback/data";
import { createDenoiser, heun, loadModel, saveModel, TeacherTraining } from "disback/models";
import { bytesOf, cpuSeconds, run, samplesOf, speedOf } from "./common.mjs";
import { facesOf, openFaces, smallJudge } from "./gan.mjs";

const picture = { network: "song-unet", imageResolution: 32, imageChannels: 3 };
const CONFIG = {
  ...{ ...picture, modelChannels: 16, channelMultipliers: [1, 2, 2], blocksPerResolution: 1 },
  ...{ attentionResolutions: [], dropout: 0 },
};

export async function* measure({ seed, smoke, work, only, python, seconds, iterations = 60 }) {
  const { faces } = await openFaces({ python, work });
  const judge = await smallJudge({ faces, count: smoke ? 64 : 300 });
  mkdirSync(work, { recursive: true });
  const folder = join(work, "face-denoiser");
  let trainingSeconds = 0;
  if (!existsSync(folder)) {
    const began = cpuSeconds();
    const file = join(work, "faces-32.npz");
    const pictures = facesOf(faces, randn([smoke ? 32 : 4096, 100], { generator: new Generator(11) }));
    await writeNpz(file, ops.avg_pool2d(pictures, [2, 2]));
    const training = new TeacherTraining({
      denoiser: createDenoiser(CONFIG, { generator: new Generator(1) }),
      ...{ dataset: await openDataset(file), iterations: smoke ? 3 : 300, batchSize: smoke ? 4 : 16 },
      ...{ learningRate: 2e-3, rampUp: 50, averageHalfLife: 1000, execution: { seed: 1 } },
    });
    while (!training.finished) await training.step();
    saveModel(folder, training.average, CONFIG);
    trainingSeconds = Math.round(cpuSeconds() - began);
  }
  const { denoiser: teacher } = loadModel(folder);
  if (!only) {
    const random = new Generator(99);
    const began = cpuSeconds();
    let drawn = 0;
    const draw = (count) => {
      drawn += count;
      return inferenceMode(() =>
        heun(teacher, randn([count, 3, 32, 32], { generator: random }), { steps: smoke ? 2 : 8 }),
      );
    };
    const figures = await judge(draw);
    const perSecond = Number((drawn / (cpuSeconds() - began)).toPrecision(3));
    const made = { perSecond, bytes: bytesOf(teacher), trainingSeconds };
    yield { part: "denoiser", student: "teacher", method: "8 steps of Heun", seed: 1, ...figures, ...made };
    return;
  }
  for (const method of only) {
    const began = cpuSeconds();
    const half = { ...CONFIG, modelChannels: CONFIG.modelChannels / 2 };
    const network = createDenoiser(half, { generator: new Generator(seed) });
    const student = new DenoiserStudent(network, { sigmaInit: 2.5 });
    imitate({ teacher, student, steps: smoke ? 2 : 120, batchSize: smoke ? 4 : 16, execution: { seed } });
    const { result, curve, ...cost } = await run({
      ...{
        teacher,
        student,
        seed,
        work,
        method,
        seconds,
        spent: cpuSeconds() - began,
        every: smoke ? 2 : iterations / 2,
      },
      judge: (average) => judge((count) => samplesOf(average, count)),
      recording: { steps: smoke ? 3 : 40, batchSize: 16 },
      backtracking: {
        ...{ objective: new DiffInstruct(), iterations: smoke ? 4 : iterations, batchSize: smoke ? 4 : 16 },
        ...{ studentLearningRate: 3e-4, auxiliaryLearningRate: 1e-3, emaDecay: 0.95 },
      },
    });
    await writeNpz(join(work, `face-denoiser-${method}.npz`), samplesOf(result, 64));
    const speed = { perSecond: speedOf(result, smoke ? 0.1 : 3), bytes: bytesOf(result.module) };
    yield { part: "denoiser", student: "quarter", method, seed, ...curve.at(-1), ...speed, ...cost, curve };
  }
}
