import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { full, Generator, inferenceMode, ones, rand, randn, type Tensor, zeros } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataset } from "../../src/data/dataset.js";
import { writeNpz } from "../../src/data/output/npz.js";
import { KlDecoder, KlEncoder } from "../../src/distill/autoencoder-halves.js";
import { SamplePool } from "../../src/distill/sample-pool.js";
import { StepsPerTarget } from "../../src/distill/target-schedule.js";
import { distillTinyHalf, tinyAutoencoderFor } from "../../src/distill/tiny-autoencoder.js";
import { Trajectory } from "../../src/distill/trajectory.js";
import type { AutoencoderKl } from "../../src/models/autoencoder/autoencoder-kl.js";
import { trainAutoencoder, type UntrainedAutoencoder } from "../../src/teacher/train-autoencoder.js";
import { divergence } from "../../src/teacher/variational-fit.js";

let base: string;
let teacher: AutoencoderKl;
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "disback-tiny-"));
  const file = join(base, "pictures.npz");
  await writeNpz(file, all(images()));
  const dataset = await openDataset(file);
  const training = { iterations: 200, batchSize: 8, learningRate: 4e-3, rampUp: 0, averageHalfLife: 50 };
  teacher = await trainAutoencoder({ config, dataset, ...training });
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Smooth pictures: one colour each, brighter to the right. */
function images(): SamplePool {
  const random = new Generator(1);
  const colours = rand([64, 3, 1, 1], { generator: random }).mul(2).sub(1);
  const ramp = rand([64, 1, 1, 1], { generator: random });
  const place = rand([1, 1, 1, 8], { generator: random }).sort(3)[0];
  return new SamplePool({
    samples: colours.add(ramp.mul(place)).expand([64, 3, 8, 8]).clamp(-1, 1).contiguous(),
  });
}
const config: UntrainedAutoencoder = {
  ...{ autoencoder: "kl" as const, imageChannels: 3, latentChannels: 2, channels: [8, 8], blocksPerLevel: 1 },
  ...{
    normalizationGroups: 4,
    attention: false,
    imageRange: "symmetric" as const,
    quantConvolution: true,
    postQuantConvolution: true,
  },
};
const all = (pool: SamplePool): Tensor => pool.draw(64, new Generator(2)).samples;
const mse = (a: Tensor, b: Tensor) => inferenceMode(() => a.sub(b).square().mean().item());

describe("a variational autoencoder trained here", () => {
  it("learns its pictures; its scaled latents have a standard deviation of about 1", () => {
    const pictures = all(images());
    expect(mse(teacher.decode(teacher.encode(pictures)), pictures)).toBeLessThan(0.5 * pictures.var().item());
    expect(teacher.encode(pictures).std().item()).toBeCloseTo(1, 1);
  });

  it("is pulled to a standard normal: the divergence of N(1, 4) from it, and 0 of itself", () => {
    const [mean, logVariance] = [ones([2, 3]), full([2, 3], Math.log(4))];
    // (1 + 4 - 1 - ln 4) / 2
    expect(divergence(mean, logVariance).item()).toBeCloseTo((4 - Math.log(4)) / 2, 5);
    expect(divergence(zeros([2, 3]), zeros([2, 3])).item()).toBe(0);
  });

  it("refuses pictures that cannot be halved", async () => {
    const file = join(base, "odd.npz");
    await writeNpz(file, zeros([2, 3, 9, 9]));
    await expect(trainAutoencoder({ config, dataset: await openDataset(file) })).rejects.toThrow(
      "autoencoder: pictures of shape [3, 9, 9]; it takes 3 channels and sides of a multiple of 2",
    );
  });
});

describe("a tiny autoencoder for it", () => {
  it("stands on halves that map as the whole one does", () => {
    const latents = randn([2, 2, 4, 4], { generator: new Generator(3) });
    expect(mse(new KlDecoder(teacher, 8).generate(latents), teacher.decode(latents))).toBeLessThan(1e-12);
    const pictures = all(images());
    expect(mse(new KlEncoder(teacher, 8).generate(pictures), teacher.encode(pictures))).toBeLessThan(1e-12);
  });

  it.each([
    ["decoder", true],
    ["encoder", false],
  ] as const)("learns the %s, along a trajectory: %s", (half, follows) => {
    const pool = images();
    const student = tinyAutoencoderFor(teacher, { channels: 8, blocks: 1, seed: 4 });
    const pictures = all(pool);
    const latents = teacher.encode(pictures);
    const error = () =>
      half === "decoder"
        ? mse(student.decode(latents), teacher.decode(latents))
        : mse(student.encode(pictures), latents);
    const before = error();
    const folder = join(base, `${half}-${follows}`);
    distillTinyHalf({
      ...{
        teacher,
        student,
        half,
        images: pool,
        matching: half === "decoder" ? { adversarialWeight: 0.01, discriminatorChannels: 4 } : {},
      },
      ...(follows ? { recording: { folder, steps: 10, batchSize: 16, probes: 16 } } : {}),
      backtracking: {
        iterations: half === "decoder" ? 60 : 120,
        batchSize: 16,
        studentLearningRate: half === "decoder" ? 3e-3 : 5e-3,
        schedule: new StepsPerTarget(5),
        emaDecay: 0.9,
      },
    });
    expect(error()).toBeLessThan(before * (half === "decoder" ? 0.5 : 0.8));
    if (follows) expect(Trajectory.open(folder).nodes.length).toBeGreaterThan(0);
  });

  it("refuses pictures that are not square", () => {
    const pool = new SamplePool({ samples: randn([2, 3, 8, 4]) });
    const student = tinyAutoencoderFor(teacher, { channels: 4 });
    expect(() => distillTinyHalf({ teacher, student, half: "decoder", images: pool })).toThrow(
      "tiny autoencoder: pictures of shape [3, 8, 4]",
    );
  });
});
