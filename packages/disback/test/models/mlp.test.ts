import { Adam, Generator, gradient, manualSeed, randn, scope, tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { createDenoiser, type DenoiserConfigInput } from "../../src/models/config.js";
import { heun } from "../../src/models/samplers.js";
import { relativeError } from "./fixtures.js";

const config = {
  network: "mlp",
  dimension: 2,
  hiddenChannels: 32,
  blocks: 2,
} satisfies DenoiserConfigInput;

const create = (changes: object = {}) =>
  createDenoiser({ ...config, ...changes } as DenoiserConfigInput, { generator: new Generator(1) });

describe("the network for points", () => {
  it.each(["edm", "vp", "ve", "iddpm"])(
    "%s: starts as its preconditioning's skip connection",
    (preconditioning) => {
      const x = randn([5, 2], { generator: new Generator(2) });
      const sigma = tensor([0.1, 0.3, 1, 3, 10]);
      const skip =
        preconditioning === "edm" ? sigma.square().add(0.25).reciprocal().mul(0.25).unsqueeze(1) : 1;
      expect(relativeError(create({ preconditioning }).denoise(x, sigma), x.mul(skip))).toBeLessThan(1e-6);
    },
  );

  it("names its parts plainly", () => {
    const keys = [...create({ labelDim: 3 }).stateDict().keys()];
    expect(keys).toContain("model.map_label.weight");
    expect(keys).toContain("model.blocks.1.layer0.weight");
    expect(keys).toHaveLength(19);
  });

  it("hides labels while training, not in evaluation", () => {
    const denoiser = create({ labelDim: 2, labelDropout: 0.5 });
    randomize(denoiser.parameters());
    const x = randn([1, 2], { generator: new Generator(2) }).expand([64, 2]);
    const labels = { class: tensor([[1, 0]]).expand([64, 2]) };
    const sigma = tensor([1]).expand([64]);
    manualSeed(0);
    const distinct = (t: ReturnType<typeof randn>) =>
      new Set(Array.from(t.data() as Float32Array, (v) => v.toFixed(4))).size;
    expect(distinct(denoiser.train().denoise(x, sigma, labels).select(1, 0))).toBe(2);
    expect(distinct(denoiser.eval().denoise(x, sigma, labels).select(1, 0))).toBe(1);
  });

  it("learns two points: samples end near them", () => {
    const denoiser = create();
    const random = new Generator(7);
    const optimizer = new Adam(denoiser.parameters(), { lr: 2e-3 });
    for (let iteration = 0; iteration < 400; iteration++) {
      scope(() => {
        const clean = randn([256, 1], { generator: random }).sign().mul(0.5).expand([256, 2]);
        const sigma = randn([256], { generator: random }).mul(1.2).sub(1.2).exp();
        const noisy = clean.add(randn([256, 2], { generator: random }).mul(sigma.unsqueeze(1)));
        const weight = sigma.square().add(0.25).div(sigma.mul(0.5).square()).unsqueeze(1);
        const loss = denoiser.denoise(noisy, sigma).sub(clean).square().mul(weight).mean();
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
      });
    }
    const samples = heun(denoiser.eval(), randn([256, 2], { generator: random }));
    const distance = samples.abs().sub(0.5).abs().mean().item();
    expect(distance).toBeLessThan(0.05);
    const sameSide = samples.select(1, 0).mul(samples.select(1, 1)).gt(0).float().mean().item();
    expect(sameSide).toBeGreaterThan(0.95);
  });

  it("has gradients for all weights and the input", () => {
    const denoiser = create({ labelDim: 2 });
    const parameters = denoiser.parameters();
    randomize(parameters);
    const x = randn([3, 2], { generator: new Generator(2), requiresGrad: true });
    const output = denoiser.denoise(x, tensor([0.1, 1, 5]), { class: tensor([[1, 0]]) });
    const gradients = gradient([output.square().sum()], [x, ...parameters]);
    expect(gradients.every((one) => one !== undefined && one.abs().max().item() > 0)).toBe(true);
  });
});

function randomize(parameters: ReturnType<typeof randn>[]): void {
  const random = new Generator(9);
  for (const parameter of parameters)
    parameter.detach().copy_(randn(parameter.shape, { generator: random }).mul(0.3));
}
