import { Generator, ops, randn, type Tensor, tensor } from "@disback/torch";
import { expect, test } from "vitest";
import { LowRankDenoiser } from "../../src/models/adapters/low-rank-denoiser.js";
import { createDenoiser } from "../../src/models/config.js";
import { Convolution } from "../../src/models/convolution.js";
import { DenoiserModule } from "../../src/models/denoiser.js";
import { randomWeights } from "../../src/models/weights.js";

const random = new Generator(5);
const facts = { sampleShape: [1, 8, 8], sigmaData: 0.5, condition: {} };
const difference = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item();
const denoiser = (seed = 1) =>
  createDenoiser(
    {
      ...{ network: "song-unet", imageResolution: 8, imageChannels: 1, modelChannels: 8 },
      ...{ channelMultipliers: [1, 2], blocksPerResolution: 1, attentionResolutions: [4], dropout: 0.5 },
    },
    { generator: new Generator(seed) },
  ).eval();
const x = randn([3, 1, 8, 8], { generator: random });
const sigma = tensor([0.2, 1, 5]);

/** Adapters filled with random numbers. */
function adapted(base: DenoiserModule, rank: number): LowRankDenoiser {
  const model = new LowRankDenoiser(base, { rank, generator: random });
  for (const weight of model.parameters())
    weight.detach().copy_(randn(weight.shape, { generator: random }).mul(0.1));
  return model;
}

test("starts as its base, whatever the mode, and owns nothing but the adapters", () => {
  const base = denoiser();
  const before = base.eval().denoise(x, sigma);
  const model = new LowRankDenoiser(base, { rank: 2, generator: random }).train();
  expect(difference(model.denoise(x, sigma), before)).toBeLessThan(1e-6);
  const keys = [...model.stateDict().keys()];
  expect(keys).toContain("model.enc.8x8_conv.down");
  expect(keys.every((key) => /\.(up|down)$/.test(key))).toBe(true);
  model.denoise(x, sigma).sum().backward();
  expect(base.parameters().every((weight) => weight.grad === undefined)).toBe(true);
  expect(model.parameters().some((weight) => weight.grad!.abs().max().item() > 0)).toBe(true);
  model.dispose();
  expect(difference(base.denoise(x, sigma), before)).toBe(0);
});

test("an adapted convolution is the convolution and two smaller ones beside it", () => {
  class OneLayer extends DenoiserModule {
    readonly facts = facts;
    readonly layer = new Convolution(randomWeights(random), 1, 6, 3, { distribution: "kaiming-normal" });
    denoise(input: Tensor): Tensor {
      return this.layer.forward(input);
    }
  }
  const base = new OneLayer();
  const model = adapted(base, 3);
  const [down, up] = model.parameters();
  const beside = ops.conv2d(x, down!.reshape([3, 1, 3, 3]), null, [1, 1], [1, 1]);
  const expected = base.denoise(x).add(ops.conv2d(beside, up!.reshape([6, 3, 1, 1])));
  expect(difference(model.denoise(x, sigma), expected)).toBeLessThan(1e-5);
});

test("merged weights give the same estimates without adapters", () => {
  const base = denoiser();
  const before = base.denoise(x, sigma);
  const model = adapted(base, 2);
  const merged = model.merged();
  expect([...merged.stateDict().keys()]).toEqual([...base.stateDict().keys()]);
  expect(difference(merged.denoise(x, sigma), model.denoise(x, sigma))).toBeLessThan(1e-5);
  expect(difference(model.denoise(x, sigma), before)).toBeGreaterThan(1e-2);
  expect(difference(base.denoise(x, sigma), before)).toBeLessThan(1e-6);
});

test("approximates another model: exactly if the change has its rank, ever better with more", () => {
  const base = denoiser();
  const target = adapted(base, 2).merged();
  const error = (model: DenoiserModule, rank: number) => {
    const near = new LowRankDenoiser(base, { rank, generator: random });
    near.approximate(model);
    return difference(near.denoise(x, sigma), model.denoise(x, sigma));
  };
  expect(error(target, 2)).toBeLessThan(1e-4);
  expect(error(target, 1)).toBeGreaterThan(1e-2);
  // Of no change at all, the adapters can still learn.
  const same = new LowRankDenoiser(base, { rank: 2, generator: random });
  same.approximate(denoiser());
  same.denoise(x, sigma).sum().backward();
  expect(same.parameters().some((weight) => weight.grad!.abs().max().item() > 0)).toBe(true);
});

test("what cannot be adapted is said", () => {
  expect(() => new LowRankDenoiser(denoiser(), { rank: 0, generator: random })).toThrow(/"rank"/);
  class Nothing extends DenoiserModule {
    readonly facts = facts;
    denoise(input: Tensor): Tensor {
      return input;
    }
  }
  expect(() => new LowRankDenoiser(new Nothing(), { generator: random })).toThrow(/no layers to adapt/);
  const other = new LowRankDenoiser(denoiser(), { generator: random });
  expect(() => other.approximate(new Nothing())).toThrow(/another architecture/);
});
