import { Generator, randn } from "@disback/torch";
import { expect, test } from "vitest";
import { Backtracking } from "../../../src/distill/backtrack.js";
import { DenoiserStudent } from "../../../src/distill/denoiser-student.js";
import { Dmd2 } from "../../../src/distill/objectives/dmd2.js";
import { SamplePool } from "../../../src/distill/sample-pool.js";
import { createDenoiser, parseDenoiserConfig } from "../../../src/models/config.js";

test("dmd2 trains a head on the bottleneck of every network", () => {
  const image = { imageResolution: 8, imageChannels: 1, modelChannels: 8, channelMultipliers: [1, 2] };
  const small = { blocksPerResolution: 1, attentionResolutions: [], labelDim: 3 };
  const configs = [
    { network: "song-unet", ...image, ...small, dropout: 0 },
    { network: "dhariwal-unet", ...image, ...small, channelsPerHead: 8, dropout: 0 },
    { network: "mlp", dimension: 2, hiddenChannels: 8, blocks: 1, labelDim: 3 },
  ];
  for (const value of configs) {
    const denoiser = createDenoiser(parseDenoiserConfig(value, "test"), { generator: new Generator(1) });
    const { sampleShape } = denoiser.facts;
    const student = new DenoiserStudent(denoiser.clone(), { sigmaInit: 2.5 });
    const random = new Generator(2);
    const real = new SamplePool({
      samples: randn([6, ...sampleShape], { generator: random }),
      condition: student.conditions.draw(6, random),
    });
    const objective = new Dmd2({ real });
    const work = new Backtracking({ teacher: denoiser, student, objective, iterations: 2, batchSize: 4 });
    const before = objective.parameters().map((weight) => weight.data());
    expect(Number.isFinite(work.step().loss)).toBe(true);
    objective.parameters().forEach((weight, index) => {
      expect(weight.data()).not.toEqual(before[index]);
    });
  }
});
