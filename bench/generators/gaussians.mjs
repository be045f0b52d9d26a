// ScoreGAN's Gaussians: an MLP of 4 x 512 from 128 numbers, noise levels 0.1 to 10 (rho 3), Adam 2e-4 for both, 10 updates
// of the auxiliary model per step, batch 128. Differences: 1,000 steps of 31,500; the shipped teacher of eight Gaussians,
// whose copy is the auxiliary model (random there); EDM's loss weight.
import { Generator } from "@disback/torch";
import { DiffInstruct, GeneratorStudent, KarrasUniform, openDenoiser } from "disback";
import { openDataset } from "disback/data";
import { modeCoverage, slicedWasserstein } from "disback/metrics";
import { createGenerator } from "disback/models";
import { bytesOf, run, samplesOf, speedOf } from "./common.mjs";

export async function* measure({ seed, smoke, work, only, iterations = 1000 }) {
  const { module: teacher } = await openDenoiser("2d-ring", { device: "cpu" });
  const data = await openDataset("toy:ring");
  const { samples: real } = await data.batch(Array.from({ length: 4000 }, (_, index) => index));
  const judge = (student) => {
    const samples = samplesOf(student, smoke ? 200 : 4000);
    const { coverage, highQuality } = modeCoverage(samples, data.modes);
    return { distance: slicedWasserstein(samples, real), modes: 8 * coverage, onAMode: highQuality };
  };
  const noise = new KarrasUniform({ sigmaMin: 0.1, sigmaMax: 10, rho: 3 });
  for (const method of only ?? ["plain", "start", "path"]) {
    const config = {
      network: "mlp-generator",
      dimension: 2,
      latentSize: 128,
      sigmaData: teacher.facts.sigmaData,
    };
    const student = new GeneratorStudent(createGenerator(config, { generator: new Generator(seed) }), {
      facts: teacher.facts,
    });
    const { result, curve, ...told } = await run({
      ...{ teacher, student, method, seed, work, judge, every: smoke ? 2 : 250 },
      recording: { steps: smoke ? 4 : 200 },
      backtracking: {
        ...{ objective: new DiffInstruct({ noise, weighting: "noise" }), iterations: smoke ? 4 : iterations },
        ...{ studentLearningRate: 2e-4, auxiliaryLearningRate: 2e-4, auxiliarySteps: smoke ? 1 : 10 },
        ...{ betas: [0, 0.99], emaDecay: 0.99 },
      },
    });
    const end = curve.at(-1);
    const speed = { perSecond: speedOf(result, smoke ? 0.1 : 2), bytes: bytesOf(result.module) };
    yield { part: "gaussians", student: "mlp 4x512", method, seed, ...end, ...speed, ...told, curve };
  }
}
