import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, rand, randn, type Tensor, tensor } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openDataset } from "../../src/data/dataset.js";
import { writeNpz } from "../../src/data/output/npz.js";
import { asTheyAre } from "../../src/models/sample-codec.js";
import { Judge, type JudgeOptions } from "../../src/runs/judge.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-judge-"));
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const notices: string[] = [];
const open = (shape: number[], options: Partial<JudgeOptions> = {}) => {
  notices.length = 0;
  const notice = (line: string) => notices.push(line);
  return Judge.open({ shown: asTheyAre(shape), device: "cpu", batchSize: 16, notice, ...options });
};
/** Writes samples as a data set. */
async function stored(name: string, samples: Tensor): Promise<string> {
  const path = join(folder, `${name}.npz`);
  await writeNpz(path, samples);
  return path;
}
/** Samples in batches as a judge asks for them. */
function source(samples: Tensor) {
  let done = 0;
  return {
    generate: (count: number) => {
      done += count;
      return samples.narrow(0, done - count, count);
    },
  };
}

describe("points on a line", () => {
  // Numbers that float16, as references keep their features, holds exactly.
  const data = randn([64, 1], { generator: new Generator(1) })
    .mul(64)
    .round()
    .div(64);
  let judge: Judge;
  beforeAll(async () => {
    judge = (await open([1], { data: await stored("line", data) }))!;
  });

  it.each([0, 0.5, -2])(
    "moved by %f are that far away: the distance is exact in one dimension",
    async (shift) => {
      const moved = data.add(shift);
      const { slicedWasserstein, samples } = await judge.measure(source(moved), 64);
      expect(samples).toBe(64);
      expect(slicedWasserstein).toBeCloseTo(Math.abs(shift), 5);
    },
  );

  it("stretched by a half: half of the data's root mean square", async () => {
    const { slicedWasserstein } = await judge.measure(source(data.mul(1.5)), 64);
    expect(slicedWasserstein).toBeCloseTo(0.5 * data.square().mean().sqrt().item(), 5);
  });

  it("have their Frechet distance too, if that is asked for: the square of the way between the means", async () => {
    const { fid, slicedWasserstein } = await judge.measure(source(data.add(1.5)), 64, ["fid"]);
    expect(fid).toBeCloseTo(2.25, 4);
    expect(slicedWasserstein).toBeUndefined();
  });

  it("are told about as they come", async () => {
    const told: number[] = [];
    await judge.measure(source(data), 40, ["slicedWasserstein"], (done) => told.push(done));
    expect(told).toEqual([16, 32, 40]);
  });

  it("are followed by their distance, and described", () => {
    expect([judge.headline, judge.applicable]).toEqual([["slicedWasserstein"], ["slicedWasserstein"]]);
    expect(judge.describe(2000)).toMatch(
      /^2,000 samples against line \(64 samples\), in the feature space of coordinates; figures compare only/,
    );
    expect(notices).toEqual([]);
  });
});

describe("points whose modes are known", () => {
  it("are judged by how many of them are met", async () => {
    const judge = (await open([2], { data: "toy:ring?modes=4" }))!;
    expect(judge.headline).toEqual(["slicedWasserstein", "modeCoverage"]);
    const { modes } = await openDataset("toy:ring?modes=4");
    const centres = tensor(modes!.centers);
    const near = (mode: number, count: number) =>
      centres
        .narrow(0, mode, 1)
        .expand([count, 2])
        .add(randn([count, 2], { generator: new Generator(2) }).mul(1e-3));
    const whole = await judge.measure(source(centres.repeat([20, 1])), 80);
    expect(whole).toMatchObject({ modeCoverage: 1, highQuality: 1 });
    const one = await judge.measure(source(near(0, 80)), 80);
    expect(one).toMatchObject({ modeCoverage: 0.25, highQuality: 1 });
    expect(one.slicedWasserstein!).toBeGreaterThan(3 * whole.slicedWasserstein!);
    const nowhere = await judge.measure(source(near(0, 80).mul(3)), 80);
    expect(nowhere).toMatchObject({ modeCoverage: 0, highQuality: 0 });
  });
});

describe("images", () => {
  it("are as far from themselves as nothing, and farther from others", async () => {
    const images = rand([48, 1, 16, 16], { generator: new Generator(3) })
      .mul(255)
      .round()
      .div(127.5)
      .sub(1);
    const judge = (await open([1, 16, 16], { data: await stored("images", images) }))!;
    const { fid, precision, recall } = await judge.measure(source(images), 48, ["fid", "precisionRecall"]);
    expect(fid!).toBeLessThan(1e-3);
    expect([precision, recall]).toEqual([1, 1]);
    const other = await judge.measure(source(images.mul(0).sub(1)), 48);
    expect(other.fid!).toBeGreaterThan(1);
    expect(judge.describe(48)).toContain("in the feature space of fashion-mnist-16-classifier");
  });

  it("are held against the shipped statistics without data, if an extractor fits", async () => {
    const judge = (await open([1, 16, 16]))!;
    expect(judge.headline).toEqual(["fid"]);
    expect(judge.applicable).toEqual(["fid", "kid", "precisionRecall", "inceptionScore"]);
    expect(judge.describe(10)).toMatch(/against .*[Ff]ashion.*\([\d,]+ samples\)/);
    const named = (await open([3, 16, 16], { extractor: "cifar10-jpeg-16-classifier" }))!;
    expect(named.describe(10)).toContain("cifar10-jpeg-16-classifier");
  });
});

describe("what cannot be judged", () => {
  it("for want of an extractor or of data is said once, and nothing is opened", async () => {
    expect(await open([3, 7, 7])).toBeUndefined();
    expect(notices).toEqual([
      "no feature extractor for samples [3, 7, 7]: no FID (give --extractor or --inception)",
    ]);
    expect(await open([2])).toBeUndefined();
    expect(notices).toEqual(["no data to compare with: no FID (give --data)"]);
  });

  it("because it is named wrongly, or is of another shape, is refused", async () => {
    await expect(open([1, 16, 16], { extractor: "fashion-mnist-61-classifier" })).rejects.toThrow(
      /^unknown extractor "fashion-mnist-61-classifier" \(did you mean "fashion-mnist-16-classifier"\?\); shipped: cifar10-/,
    );
    const data = await stored("three", randn([8, 3]));
    await expect(open([2], { data })).rejects.toThrow(`${data}: samples are [3], those to be judged [2]`);
    await expect(open([2], { data: join(folder, "none.npz") })).rejects.toThrow("none.npz");
  });
});
