// ScoreGAN's MNIST setting on Fashion-MNIST 16x16 with the shipped teacher: DCGAN of width 64 with batch normalization,
// noise levels 0.32 to 40 (rho 3), one update of the auxiliary model, rates 1e-3 (auxiliary) and 2e-4. Differences: batch 64
// (256 there), 300 steps, classes; the auxiliary model is the teacher's copy. Beside it, by the settings of the preset
// `generator` (batch 32, rates 1e-3 and 5e-4, EDM's noise levels), a DCGAN of width 24, a FastGAN and a denoiser of a quarter of
// the teacher's size: what the same distance costs them in bytes and time.
import { Generator } from "@disback/torch";
import {
  DenoiserStudent,
  DiffInstruct,
  GeneratorStudent,
  imitate,
  KarrasUniform,
  openDenoiser,
} from "disback";
import { evaluate, loadShippedExtractor, loadShippedReference } from "disback/metrics";
import { createDenoiser, createGenerator } from "disback/models";
import { bytesOf, cpuSeconds, drawerOf, run, speedOf } from "./common.mjs";

const EXTRACTOR = "fashion-mnist-16-classifier";

const picture = { imageResolution: 16, imageChannels: 1, labelDim: 10 };
const students = {
  "dcgan 64": { network: "dcgan", latentSize: 128, modelChannels: 64, ...picture },
  "dcgan 24": { network: "dcgan", latentSize: 64, modelChannels: 24, ...picture },
  "fastgan 8": { network: "fastgan", latentSize: 128, modelChannels: 8, ...picture },
};

/** ScoreGAN's settings, and the preset's. */
const scoreGan = {
  ...{ iterations: 300, batchSize: 64, studentLearningRate: 2e-4 },
  ...{ noise: new KarrasUniform({ sigmaMin: 0.32, sigmaMax: 40, rho: 3 }), weighting: "noise" },
};
const ours = { iterations: 400, batchSize: 32, studentLearningRate: 5e-4 };

export async function* measure({ seed, smoke, work, only, seconds, iterations = seconds && 1e6 }) {
  const { module: teacher, config } = await openDenoiser("fashion-mnist-16", { device: "cpu" });
  const extractor = loadShippedExtractor(EXTRACTOR);
  const reference = loadShippedReference(EXTRACTOR);
  const judge = async (student) => {
    const generate = drawerOf(student);
    const { fid } = await evaluate({ generate, count: smoke ? 100 : 2000, extractor, reference });
    return { fid: Number(fid.toFixed(2)) };
  };
  const every = smoke ? 2 : 50;
  for (const wanted of only ?? ["dcgan 64:plain", "dcgan 64:path", "denoiser quarter:imitation, plain"]) {
    const [name, method] = wanted.split(":");
    const began = cpuSeconds();
    let student;
    const { noise, weighting, ...schedule } = name === "dcgan 64" ? scoreGan : ours;
    if (name === "denoiser quarter") {
      const quarter = { ...config, modelChannels: config.modelChannels / 2 };
      student = new DenoiserStudent(createDenoiser(quarter, { generator: new Generator(seed) }), {
        sigmaInit: 2.5,
      });
      imitate({ teacher, student, steps: smoke ? 2 : 300, execution: { seed } });
    } else {
      const made = createGenerator({ ...students[name], sigmaData: 0.5 }, { generator: new Generator(seed) });
      student = new GeneratorStudent(made, { facts: teacher.facts });
    }
    const { result, curve, ...cost } = await run({
      ...{ teacher, student, seed, work, judge, every, method: method.split(", ").at(-1) },
      ...{ seconds, spent: cpuSeconds() - began },
      recording: { steps: smoke ? 4 : 60, batchSize: schedule.batchSize },
      backtracking: {
        objective: new DiffInstruct(noise ? { noise, weighting } : {}),
        ...{ ...schedule, auxiliaryLearningRate: 1e-3, emaDecay: 0.98 },
        ...(smoke ? { iterations: 4 } : iterations ? { iterations } : {}),
      },
    });
    const speed = { perSecond: speedOf(result, smoke ? 0.1 : 3), bytes: bytesOf(result.module) };
    yield { part: "fashion", student: name, method, seed, ...curve.at(-1), ...speed, ...cost, curve };
  }
}
