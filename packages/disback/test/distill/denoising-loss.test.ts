import { fileURLToPath } from "node:url";
import { Generator, Module, parameter, randn, readSafetensors, scope, type Tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { denoisingLoss, denoisingWeight } from "../../src/distill/denoising-loss.js";
import { KarrasUniform, LogNormal } from "../../src/distill/noise-distribution.js";
import type { Condition, ConditionShapes } from "../../src/models/condition.js";
import type { Denoiser } from "../../src/models/denoiser.js";

const fixture = readSafetensors(
  fileURLToPath(new URL("../fixtures/teacher/denoisingLoss.safetensors", import.meta.url)),
).tensors;
const sigmaData = 0.5;
const facts = (condition: ConditionShapes = {}) => ({ sampleShape: [16], sigmaData, condition });

/** E[x0 | x] for x0 ~ N(0, sigmaData^2): x sigmaData^2 / (sigma^2 + sigmaData^2). */
function gaussianMean(x: Tensor, sigma: Tensor): Tensor {
  const shrink = sigma
    .square()
    .add(sigmaData ** 2)
    .pow(-1)
    .mul(sigmaData ** 2);
  return x.mul(shrink.reshape([sigma.shape[0]!, ...Array<number>(x.ndim - 1).fill(1)]));
}

class Shifted extends Module implements Denoiser {
  readonly facts = facts({ class: [3] });
  weight = parameter(fixture.get("weight")!.clone());

  denoise(x: Tensor, sigma: Tensor, condition?: Condition): Tensor {
    return gaussianMean(x, sigma).add(condition!.class!.matmul(this.weight).reshape([x.shape[0]!, 1, 1, 1]));
  }
}

describe("denoisingLoss", () => {
  it("gives PyTorch's loss and gradient from the same seed", () => {
    const denoiser = new Shifted();
    const loss = denoisingLoss(denoiser, fixture.get("samples")!, new LogNormal(), {
      random: new Generator(7),
      condition: { class: fixture.get("labels")! },
    });
    loss.backward();
    expect(loss.shape).toEqual([]);
    expect(loss.item()).toBeCloseTo(fixture.get("loss")!.item(), 5);
    const gradient = [...(denoiser.weight.grad!.data() as Float32Array)];
    const expected = [...(fixture.get("gradient")!.data() as Float32Array)];
    for (const [index, value] of gradient.entries()) expect(value / expected[index]!).toBeCloseTo(1, 4);
  });

  it("is 1 for the ideal denoiser of Gaussian data, whatever the noise", () => {
    const random = new Generator(3);
    for (const noise of [new LogNormal(-1.2, 1.2), new LogNormal(1, 0.5), new KarrasUniform()]) {
      const loss = scope(() => {
        const data = randn([4000, 16], { generator: random }).mul(sigmaData);
        return denoisingLoss({ facts: facts(), denoise: gaussianMean }, data, noise, { random }).item();
      });
      expect(Math.abs(loss - 1)).toBeLessThan(0.02);
    }
  });

  it("takes the samples as constants", () => {
    const samples = randn([4, 2], { generator: new Generator(0) }).requiresGrad_();
    const loss = denoisingLoss({ facts: facts(), denoise: gaussianMean }, samples, new LogNormal(), {
      random: new Generator(0),
    });
    expect(loss.requiresGrad).toBe(false);
  });

  it("weights by (sigma^2 + sigmaData^2) / (sigma sigmaData)^2", () => {
    const weights = denoisingWeight(fixture.get("sigma")!, 0.5).data() as Float32Array;
    for (const [index, sigma] of (fixture.get("sigma")!.data() as Float32Array).entries()) {
      expect(weights[index]! / ((sigma ** 2 + 0.25) / (sigma * 0.5) ** 2)).toBeCloseTo(1, 5);
    }
  });
});

describe("noise distributions", () => {
  const close = (actual: Tensor, expected: Tensor) => {
    const values = actual.data() as Float32Array;
    for (const [index, value] of (expected.data() as Float32Array).entries()) {
      expect(values[index]! / value).toBeCloseTo(1, 4);
    }
  };

  it("LogNormal and KarrasUniform draw PyTorch's levels", () => {
    close(new LogNormal().sample(6, new Generator(7)), fixture.get("sigma")!);
    close(new KarrasUniform({ to: 0.8 }).sample(16, new Generator(7)), fixture.get("karras")!);
    const dmd = new KarrasUniform({ from: 0.02, to: 0.98, levels: 1000 });
    close(dmd.sample(16, new Generator(7)), fixture.get("levels")!);
  });

  it("KarrasUniform stays between its ends", () => {
    const levels = new KarrasUniform({ levels: 10 }).sample(1000, new Generator(1));
    expect(levels.min().item()).toBeCloseTo(0.002, 5);
    expect(levels.max().item()).toBeCloseTo(80, 2);
  });

  it("names an option that is out of range", () => {
    expect(() => new LogNormal(0, 0)).toThrow(/"standardDeviation"/);
    expect(() => new KarrasUniform({ from: 0.5, to: 0.4 })).toThrow(/"to" is out of range: 0.4/);
    expect(() => new KarrasUniform({ sigmaMin: 100 })).toThrow(/"sigmaMax"/);
    expect(() => new KarrasUniform({ levels: 1 })).toThrow(/"levels"/);
  });
});
