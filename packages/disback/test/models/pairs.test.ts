import { fromTypedArray, Generator, noGrad, ops, randn, type Tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { TensorDataset } from "../../src/data/dataset.js";
import { Pairs, requireWords } from "../../src/data/pairs.js";
import type { SampleSource } from "../../src/data/samples.js";
import { createDenoiser, pairLayout, parseDenoiserConfig } from "../../src/models/config.js";
import { heun } from "../../src/models/samplers.js";
import { picturesIn, wordsIn } from "../../src/runs/samples/pairs.js";
import { TeacherTraining } from "../../src/teacher/training.js";
import { pairCodec } from "../../src/text/language/codecs.js";
import { Letters } from "../../src/text/language/letters.js";

const given = {
  network: "pair-unet",
  imageResolution: 4,
  imageChannels: 1,
  modelChannels: 8,
  channelMultipliers: [1, 1],
  blocksPerResolution: 1,
  attentionResolutions: [],
  dropout: 0,
  letters: [" ", "a", "b", "c"],
  textLength: 3,
  letterChannels: 16,
} as const;
const config = parseDenoiserConfig(given);
if (config.network !== "pair-unet") throw new Error("another network");
const layout = pairLayout(config);
const language = new Letters(config.letters);
const codec = pairCodec(layout, language);
const pair = codec.pair!;

/** Black pictures called "ab" and white ones called "c". */
const pictures: SampleSource = {
  name: "black and white",
  sampleShape: [1, 4, 4],
  length: 8,
  labelDim: 2,
  classNames: ["AB", "c"],
  classes: [0, 1, 0, 1, 0, 1, 0, 1],
  read: async (indices) => ({
    samples: Float32Array.from(Array.from(indices).flatMap((at) => Array<number>(16).fill(at % 2 ? 1 : -1))),
  }),
  fingerprint: async () => "0",
};
const pairs = () => new Pairs(pictures, requireWords(pictures, "toy"), { language, textLength: 3 });

describe("pairs of a picture and a word", () => {
  it("are pixels and numbers of letters, and come back from the model's form", async () => {
    const { samples } = await new TensorDataset(pairs()).batch([1, 0]);
    expect(wordsIn(samples, pair)).toEqual(["c", "ab"]);
    expect(picturesIn(samples, pair).mean([1, 2, 3]).toArray()).toEqual([1, -1]);
    const encoded = codec.encode(samples);
    expect(encoded.shape).toEqual([2, layout.size]);
    expect(ops.equal(codec.decode(encoded), samples)).toBe(true);
  });

  it("are restored as Bayes' rule says, where the network says nothing", () => {
    const denoiser = createDenoiser(config, { generator: new Generator(0) }).eval();
    noGrad(() => {
      for (const parameter of denoiser.parameters()) parameter.zero_();
    });
    const sigma = 0.8;
    const x = randn([2, layout.size], { generator: new Generator(1) });
    const found = layout.split(denoiser.denoise(x, fromTypedArray(Float32Array.of(sigma), [1])));
    const { picture, letters } = layout.split(x);
    const kept = config.sigmaData ** 2 / (sigma ** 2 + config.sigmaData ** 2);
    expect(difference(found.picture, picture.mul(kept))).toBeLessThan(1e-6);
    // By the densities of noise around each of the four letters.
    const values = letters.toArray() as number[][][];
    const exact = values.map((text) =>
      text.map((noised) => {
        const densities = noised.map((_, letter) =>
          Math.exp(
            -noised.reduce((sum, value, at) => sum + (value - (at === letter ? 1 : 0)) ** 2, 0) /
              (2 * sigma ** 2),
          ),
        );
        const total = densities.reduce((sum, one) => sum + one);
        return densities.map((one) => one / total);
      }),
    );
    const flat = fromTypedArray(Float32Array.from(exact.flat(2)), [2, 3, 4]);
    expect(difference(found.letters, flat)).toBeLessThan(1e-5);
  });

  it("cost about 1 for a network that says nothing, of pure noise", () => {
    const denoiser = createDenoiser(config, { generator: new Generator(0) });
    noGrad(() => {
      for (const parameter of denoiser.parameters()) parameter.zero_();
    });
    const many = 4000;
    const shown = fromTypedArray(
      Float32Array.from({ length: many * 19 }, (_, at) =>
        at % 19 < 16 ? (Math.floor(at / 19) % 2 ? 0.5 : -0.5) : (at * 7) % 4,
      ),
      [many, 19],
    );
    const clean = codec.encode(shown);
    const level = 100;
    const noised = clean.add(randn(clean.shape, { generator: new Generator(2) }).mul(level));
    const sigma = fromTypedArray(new Float32Array(many).fill(level), [many]);
    expect(denoiser.restorationLoss!(noised, sigma, clean).item()).toBeCloseTo(1, 2);
  });

  it("are learned together: picture and word of a sample agree", async () => {
    const denoiser = createDenoiser(config, { generator: new Generator(0) });
    const { read, fingerprint } = { read: pairs().read.bind(pairs()), fingerprint: pictures.fingerprint };
    const dataset = new TensorDataset({
      ...{ name: "toy", sampleShape: [layout.size], length: 8, labelDim: 0, fingerprint },
      read: async (indices) => {
        const { samples } = await read(indices);
        const shown = fromTypedArray(samples, [indices.length, 19]);
        return { samples: codec.encode(shown).data() as Float32Array };
      },
    });
    const training = new TeacherTraining({
      ...{ denoiser, dataset, iterations: 150, batchSize: 32, learningRate: 1e-2, rampUp: 10 },
      ...{ noiseMean: 0, noiseStandardDeviation: 1.5, averageHalfLife: 500, execution: { seed: 0 } },
    });
    for (let iteration = 0; iteration < 150; iteration++) await training.step();
    const latents = randn([40, layout.size], { generator: new Generator(3) });
    const shown = codec.decode(noGrad(() => heun(training.average, latents, { steps: 12 })));
    const words = wordsIn(shown, pair);
    const lights = picturesIn(shown, pair).mean([1, 2, 3]).toArray() as number[];
    const agreeing = words.filter((word, at) => word === (lights[at]! > 0 ? "c" : "ab")).length;
    expect(agreeing).toBeGreaterThan(28);
    expect(words).toEqual(expect.arrayContaining(["ab", "c"]));
  });

  it.each([
    ["classes", { labelDim: 2 }, "labelDim: pairs have no classes"],
    ["another preconditioning", { preconditioning: "vp" }, "preconditioning: must be edm for pairs"],
    ["a letter twice", { letters: ["a", "a"] }, "letters: has a letter twice"],
  ])("refuse %s", (_, more, message) => {
    expect(() => parseDenoiserConfig({ ...given, ...more })).toThrow(message);
  });

  it("refuse pictures without words", () => {
    const { classNames: _, ...nameless } = pictures;
    expect(() => requireWords(nameless, "photos/")).toThrow(
      "photos/: has neither captions nor classes with names, so no words",
    );
  });
});

function difference(a: Tensor, b: Tensor): number {
  return a.sub(b).abs().max().item();
}
