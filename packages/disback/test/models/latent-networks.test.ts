import { Generator, gradient, noGrad, tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { buildAutoencoder } from "../../src/models/autoencoder/autoencoder.js";
import {
  type AutoencoderConfigInput,
  parseAutoencoderConfig,
} from "../../src/models/autoencoder/autoencoder-config.js";
import { createDenoiser } from "../../src/models/config.js";
import { randomWeights } from "../../src/models/weights.js";
import { fill, readCases, relativeError } from "./fixtures.js";

const weights = randomWeights(new Generator(0));

describe("DiT beside the original", () => {
  const { cases, value } = readCases("dit");
  it.each(cases)("$name: keys, output and gradients, one sample without class", (of) => {
    const network = createDenoiser(of.config, { generator: new Generator(0) }).model.eval();
    const shapes = Object.fromEntries([...network.stateDict()].map(([key, { shape }]) => [key, shape]));
    expect(shapes).toEqual(of.keys);
    fill(network, of.seed);

    const x = value(of, "x")!.clone().requiresGrad_();
    const output = network.forward(x, value(of, "noise")!, value(of, "labels")!);
    expect(relativeError(output, value(of, "output")!)).toBeLessThan(1e-5);

    const named = network.namedParameters().sort(([a], [b]) => (a < b ? -1 : 1));
    const [input, ...rest] = gradient([output], [x, ...named.map(([, parameter]) => parameter)], {
      gradOutputs: [value(of, "cotangent")!],
      allowUnused: true,
    });
    expect(relativeError(input!, value(of, "gradient")!)).toBeLessThan(1e-5);
    const norms = tensor(rest.map((one) => one?.norm().item() ?? 0));
    expect(relativeError(norms, value(of, "norms")!)).toBeLessThan(1e-5);
  });

  it("gives a fresh network's output for one row of labels and noise as for many", () => {
    const of = cases[0]!;
    const network = createDenoiser(of.config, { generator: new Generator(0) }).model.eval();
    fill(network, of.seed);
    const x = value(of, "x")!;
    const run = (rows: number) =>
      noGrad(() =>
        network.forward(x, tensor([37]).expand([rows]), tensor([[0, 1, 0, 0, 0]]).expand([rows, 5])),
      );
    expect(relativeError(run(1), run(3))).toBeLessThan(1e-6);
    expect(network.features(x, tensor([37])).shape).toEqual([3, 16, 4, 4]);
  });
});

describe("the autoencoder beside the original", () => {
  const { cases, value } = readCases("autoencoder");
  it.each(cases)("$name: keys, latents and images", (of) => {
    const config = parseAutoencoderConfig(of.config as unknown as AutoencoderConfigInput);
    const autoencoder = buildAutoencoder(config, weights);
    const shapes = Object.fromEntries([...autoencoder.stateDict()].map(([key, { shape }]) => [key, shape]));
    expect(shapes).toEqual(of.keys);
    fill(autoencoder, of.seed);
    expect(relativeError(autoencoder.encode(value(of, "images")!), value(of, "latents")!)).toBeLessThan(1e-5);
    expect(relativeError(autoencoder.decode(value(of, "noise")!), value(of, "decoded")!)).toBeLessThan(1e-5);
  });
});
