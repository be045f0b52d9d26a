import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { backward, Generator, randn, scope } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { createGenerator } from "../../src/models/generators/create-generator.js";
import {
  type GeneratorConfigInput,
  isGeneratorConfig,
  parseGeneratorConfig,
} from "../../src/models/generators/generator-config.js";
import { loadGenerator, saveGenerator } from "../../src/models/generators/storage.js";
import { fill, readCases, relativeError } from "./fixtures.js";

const { cases, value } = readCases("generators");
const configOf = ({ config }: { config: object }) => config as GeneratorConfigInput;

describe("generators from a vector, against PyTorch", () => {
  it.each(cases)("$name: keys, samples in training and in evaluation, gradients, statistics", (of) => {
    const made = createGenerator(configOf(of), { generator: new Generator(0) });
    const shapes = Object.fromEntries([...made.stateDict()].map(([key, { shape }]) => [key, shape]));
    expect(shapes).toEqual(of.keys);
    fill(made, of.seed);
    for (const [key, buffer] of made.namedBuffers())
      if (key.endsWith("running_mean")) buffer.zero_();
      else if (key.endsWith("running_var")) buffer.fill_(1);
    const classes = value(of, "classes");
    const draw = () => made.generate(value(of, "latents")!, classes && { class: classes });
    const training = draw();
    expect(relativeError(training, value(of, "training")!)).toBeLessThan(1e-5);
    const cotangent = randn(training.shape, { generator: new Generator(of.seed + 600) });
    backward([training], [cotangent]);
    const sorted = made.namedParameters().sort(([a], [b]) => (a < b ? -1 : 1));
    const norms = value(of, "norms")!.toArray() as number[];
    for (const [index, [key, { grad }]] of sorted.entries())
      expect(grad!.double().norm().item() / norms[index]!, key).toBeCloseTo(1, 4);
    for (const [key, buffer] of made.namedBuffers())
      if (buffer.ndim > 0) expect(relativeError(buffer, value(of, `buffer.${key}`)!), key).toBeLessThan(1e-5);
    made.eval();
    expect(relativeError(draw(), value(of, "evaluation")!)).toBeLessThan(1e-5);
  });
});

const small: GeneratorConfigInput = {
  ...{ network: "dcgan", latentSize: 6, modelChannels: 8, imageResolution: 16, imageChannels: 1 },
  labelDim: 2,
};

describe("a fresh generator", () => {
  it("makes in evaluation what it makes in training: its statistics are those of a first batch", () => {
    const made = createGenerator(small, { generator: new Generator(3) });
    const latents = randn([256, 6], { generator: new Generator(4) });
    const training = made.generate(latents);
    const evaluation = scope(() => made.clone().eval().generate(latents));
    // Untouched statistics (mean 0, variance 1) make nearly nothing of weights of 0.02.
    const spread = evaluation.std().item() / training.std().item();
    expect(spread).toBeGreaterThan(0.8);
    expect(spread).toBeLessThan(1.25);
  });

  it("follows its seed, and is the same after saving and loading", () => {
    const folder = mkdtempSync(join(tmpdir(), "disback-generator-"));
    try {
      const [one, same] = [3, 3].map((seed) =>
        createGenerator(small, { generator: new Generator(seed) }).eval(),
      );
      saveGenerator(folder, one!, small);
      const { generator, config } = loadGenerator(folder);
      expect(config).toEqual(parseGeneratorConfig(small));
      const latents = randn([3, 6], { generator: new Generator(1) });
      const wanted = one!.generate(latents).toArray();
      expect(same!.generate(latents).toArray()).toEqual(wanted);
      expect(generator.generate(latents).toArray()).toEqual(wanted);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each<[object, string]>([
    [{ imageResolution: 28 }, "x.json: imageResolution: must be a power of 2, from 8 to 256"],
    [{ classNames: ["one"] }, "x.json: classNames: has 1 names, but labelDim is 2"],
    [{ network: "stylegan" }, 'x.json: network: expected "dcgan", "fastgan" or "mlp-generator"'],
    [{ hiddenChannels: 3 }, 'x.json: Unrecognized key: "hiddenChannels"'],
  ])("refuses %j", (change, problem) => {
    expect(() => parseGeneratorConfig({ ...small, ...change }, "x.json")).toThrow(problem);
  });

  it("is told from a denoiser by its network", () => {
    expect(isGeneratorConfig(small)).toBe(true);
    expect(isGeneratorConfig({ network: "mlp" })).toBe(false);
    expect(isGeneratorConfig(null)).toBe(false);
  });
});
