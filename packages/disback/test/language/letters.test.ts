import {
  fromTypedArray,
  Generator,
  inferenceMode,
  Module,
  ops,
  parameter,
  randn,
  type Tensor,
} from "@disback/torch";
import { describe, expect, it } from "vitest";
import { denoisingLoss } from "../../src/distill/denoising-loss.js";
import { LogNormal } from "../../src/distill/noise-distribution.js";
import { createDenoiser } from "../../src/models/config.js";
import { Network } from "../../src/models/network.js";
import { LetterDenoiser } from "../../src/models/preconditioning/letters.js";
import { oneHotDeviation } from "../../src/models/text-transformer/config.js";
import { Neighbourhood } from "../../src/models/text-transformer/neighbourhood.js";
import { randomWeights } from "../../src/models/weights.js";
import { letterCodec, textsOf, tokenCodec } from "../../src/text/language/codecs.js";
import { Letters } from "../../src/text/language/letters.js";
import { difference, expected } from "./fixtures.js";

/** Logits that are linear in the input and in the noise level. */
class Linear extends Network {
  readonly dtype = "float32";
  readonly weight: Tensor;
  readonly shift: Tensor;

  constructor(weight: Tensor, shift: Tensor) {
    super();
    this.weight = parameter(weight);
    this.shift = parameter(shift);
  }

  forward(x: Tensor, noise: Tensor): Tensor {
    return ops.linear(x, this.weight).add(noise.reshape([-1, 1, 1]).mul(this.shift));
  }

  features(x: Tensor): Tensor {
    return x;
  }
}

describe("letters with noise", () => {
  it("estimate, loss and gradients are those of PyTorch", () => {
    const given = expected("letters");
    const tensor = (name: string) => given.get(name)!;
    const network = new Linear(tensor("weight").clone(), tensor("shift").clone());
    const facts = { sampleShape: [7, 5], sigmaData: oneHotDeviation(5), condition: {} };
    const denoiser = new LetterDenoiser(network, facts);
    const [noised, sigma, clean] = [tensor("noised"), tensor("sigma"), tensor("clean")];
    expect(difference(denoiser.denoise(noised, sigma), tensor("estimate"))).toBeLessThan(1e-5);
    const loss = denoiser.restorationLoss(
      noised,
      sigma,
      inferenceMode(() => clean.mul(1)),
    );
    loss.backward();
    expect(loss.item()).toBeCloseTo(tensor("loss").item(), 5);
    expect(difference(network.weight.grad!, tensor("weight.grad"))).toBeLessThan(1e-5);
    expect(difference(network.shift.grad!, tensor("shift.grad"))).toBeLessThan(1e-5);
  });

  it("its network gives probabilities, and the usual loss is its cross-entropy", () => {
    const letters = ["a", "b", "c", " "];
    const sizes = { textLength: 6, layers: 2, heads: 2, channelsPerHead: 8, letters };
    const denoiser = createDenoiser(
      { network: "text-transformer", ...sizes, sigmaData: oneHotDeviation(4) },
      { generator: new Generator(1) },
    );
    const random = new Generator(2);
    const codec = letterCodec(new Letters(letters), 6);
    const tokens = ops.floor(ops.mul(randn([8, 6], { generator: random }).sigmoid(), 4));
    const clean = codec.encode(tokens);
    expect(codec.decode(clean).toArray()).toEqual(tokens.toArray());
    const estimate = denoiser.denoise(clean, ops.full([8], 0.5));
    expect(estimate.shape).toEqual([8, 6, 4]);
    expect(difference(estimate.sum(-1), ops.ones([8, 6]))).toBeLessThan(1e-5);
    const loss = denoisingLoss(denoiser, clean, new LogNormal(1, 0.2), { random: new Generator(3) });
    expect(loss.item()).toBeGreaterThan(0.5);
    expect(loss.item()).toBeLessThan(3);
    loss.backward();
    expect(denoiser.parameters().filter(({ grad }) => grad !== undefined).length).toBeGreaterThan(10);
    expect(denoiser instanceof Module).toBe(true);
  });

  it("a letter's neighbourhood is a convolution of five letters", () => {
    const random = new Generator(4);
    const layer = new Neighbourhood(randomWeights(random), 6);
    const tokens = randn([2, 9, 6], { generator: random });
    const normalized = ops.layer_norm(tokens, [6], null, null, 1e-6).transpose(1, 2);
    // [C, 5 C], place after place, as [C, C, 5]
    const kernel = layer.mix.weight.unflatten(1, [5, 6]).transpose(1, 2);
    const convolved = ops.conv1d(normalized, kernel, layer.mix.bias, 1, 2).transpose(1, 2);
    expect(difference(layer.forward(tokens), tokens.add(convolved))).toBeLessThan(1e-5);
  });

  it("a network that knows nothing leaves each letter to itself", () => {
    const nothing = new Linear(ops.zeros([3, 3]), ops.zeros([3]));
    const denoiser = new LetterDenoiser(nothing, { sampleShape: [1, 3], sigmaData: 0.5, condition: {} });
    const x = fromTypedArray(new Float32Array([1, 0, 0.5]), [1, 1, 3]);
    const sum = Math.exp(1 / 4) + 1 + Math.exp(0.5 / 4);
    const expectedRow = [Math.exp(1 / 4) / sum, 1 / sum, Math.exp(0.5 / 4) / sum];
    const [[row]] = denoiser.denoise(x, ops.full([1], 2)).toArray() as [[number[]]];
    for (const [place, value] of expectedRow.entries()) expect(row![place]).toBeCloseTo(value, 5);
  });

  it("reads and writes texts, and refuses letters it does not know", () => {
    const language = new Letters(["a", "b", " "]);
    expect(language.encode("ab a")).toEqual([0, 1, 2, 0]);
    expect(() => language.encode("abxyx")).toThrow(/has "x", "y"; this model knows "ab " only/);
    const codec = tokenCodec(language, 2);
    expect(textsOf(codec.decode(ops.ones([1, 2]).to("int64")), language)).toEqual(["bb"]);
  });
});
