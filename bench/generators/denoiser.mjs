// The other way from a GAN: a denoiser is fitted to its pictures, here at half the size (32x32), and distilled as usual into one of
// half the channels (imitation, then Diff-Instruct). Beside it stand the students of `--part faces` that were trained at the GAN's
// own latents, for both judges at that size too.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Generator, inferenceMode, randn } from "@disback/torch";
import { DenoiserStudent, DiffInstruct, imitate } from "disback";
import { openDataset, writeNpz } from "disback/data";
import { createDenoiser, heun, loadGenerator, loadModel, saveModel, TeacherTraining } from "disback/models";
import { bytesOf, cpuSeconds, drawerOf, run, samplesOf, speedOf } from "./common.mjs";
import { faceJudge, facesOf, halved, openFaces } from "./gan.mjs";

const picture = { network: "song-unet", imageResolution: 32, imageChannels: 3 };
const CONFIG = {
  ...{ ...picture, modelChannels: 16, channelMultipliers: [1, 2, 2], blocksPerResolution: 1 },
  ...{ attentionResolutions: [], dropout: 0 },
};

export async function* measure({
  seed,
  smoke,
  work,
  only,
  python,
  seconds,
  iterations = seconds ? 1e6 : 300,
}) {
  const { faces } = await openFaces({ python, work });
  const judge = await faceJudge({ faces, smoke, python, work, half: true });
  mkdirSync(work, { recursive: true });
  const folder = join(work, "face-denoiser");
  let trainingSeconds = 0;
  if (!existsSync(folder)) {
    const began = cpuSeconds();
    const file = join(work, "faces-32.npz");
    const pictures = facesOf(faces, randn([smoke ? 32 : 4096, 100], { generator: new Generator(11) }));
    await writeNpz(file, halved(pictures));
    const training = new TeacherTraining({
      denoiser: createDenoiser(CONFIG, { generator: new Generator(1) }),
      ...{ dataset: await openDataset(file), iterations: smoke ? 3 : 400, batchSize: smoke ? 4 : 16 },
      ...{ learningRate: 2e-3, rampUp: 50, decayFrom: 200, averageHalfLife: 1500, execution: { seed: 1 } },
    });
    while (!training.finished) await training.step();
    saveModel(folder, training.average, CONFIG);
    trainingSeconds = Math.round(cpuSeconds() - began);
  }
  const { denoiser: teacher } = loadModel(folder);
  if (!only) {
    const random = new Generator(99);
    const draw = (count) =>
      inferenceMode(() =>
        heun(teacher, randn([count, 3, 32, 32], { generator: random }), { steps: smoke ? 2 : 8 }),
      );
    const figures = await judge(draw, { final: true });
    const began = cpuSeconds();
    draw(64);
    const perSecond = Math.round(64 / (cpuSeconds() - began));
    const made = { perSecond, bytes: bytesOf(teacher), trainingSeconds };
    yield { part: "denoiser", student: "teacher", method: "8 steps of Heun", seed: 1, ...figures, ...made };
    for (const size of ["quarter", "tenth"]) {
      const saved = join(work, "students", `${size}, squares`);
      if (!existsSync(saved)) continue;
      const module = loadGenerator(saved).generator;
      const drawn = new Generator(99);
      const told = await judge((count) => facesOf({ module }, randn([count, 100], { generator: drawn })), {
        final: true,
      });
      yield { part: "denoiser", student: `${size} of the GAN`, method: "squares", seed: 1, ...told };
    }
    return;
  }
  for (const method of only) {
    const began = cpuSeconds();
    const half = { ...CONFIG, modelChannels: CONFIG.modelChannels / 2 };
    const network = createDenoiser(half, { generator: new Generator(seed) });
    const student = new DenoiserStudent(network, { sigmaInit: 2.5 });
    imitate({ teacher, student, steps: smoke ? 2 : 150, batchSize: smoke ? 4 : 16, execution: { seed } });
    const { result, curve, ...cost } = await run({
      ...{ teacher, student, seed, work, method, seconds, spent: cpuSeconds() - began },
      every: smoke ? 2 : 100,
      judge: (average) => judge(drawerOf(average)),
      recording: { steps: smoke ? 3 : 40, batchSize: smoke ? 4 : 16 },
      backtracking: {
        ...{ objective: new DiffInstruct(), iterations: smoke ? 4 : iterations, batchSize: smoke ? 4 : 16 },
        ...{ studentLearningRate: 5e-4, auxiliaryLearningRate: 1e-3, emaDecay: 0.97 },
      },
    });
    await writeNpz(join(work, `face-denoiser-${method}.npz`), samplesOf(result, 64));
    const end = await judge(drawerOf(result), { final: true });
    const speed = { perSecond: speedOf(result, smoke ? 0.1 : 3), bytes: bytesOf(result.module) };
    const steps = curve.at(-1).step;
    yield {
      part: "denoiser",
      student: "half the channels",
      method,
      seed,
      steps,
      ...end,
      ...speed,
      ...cost,
      curve,
    };
  }
}
