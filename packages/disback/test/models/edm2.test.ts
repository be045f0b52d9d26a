import { Generator, gradient, noGrad, randn, tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { classCondition } from "../../src/models/condition.js";
import { createDenoiser, parseDenoiserConfig } from "../../src/models/config.js";
import type { Edm2UNet } from "../../src/models/edm2/edm2-unet.js";
import { fill, readCases, relativeError } from "./fixtures.js";

const { cases, value } = readCases("edm2");

function filled(of: (typeof cases)[number]) {
  const denoiser = createDenoiser(of.config, { generator: new Generator(0) }).eval();
  fill(denoiser.model, of.seed);
  const state = denoiser.model.stateDict();
  noGrad(() => {
    for (const name of ["freqs", "phases"]) {
      state.get(`emb_fourier.${name}`)!.copy_(value(of, `buffer.emb_fourier.${name}`)!);
    }
  });
  return denoiser;
}

describe("EDM2's U-Net beside the original", () => {
  it.each(cases)("$name: keys, output and gradients", (of) => {
    const denoiser = filled(of);
    const state = denoiser.model.stateDict();
    const shapes = Object.fromEntries([...state].map(([key, { shape }]) => [key, shape]));
    expect(shapes).toEqual(of.keys);

    const x = value(of, "x")!.clone().requiresGrad_();
    const output = denoiser.denoise(x, value(of, "sigma")!, classCondition(value(of, "labels")));
    expect(relativeError(output, value(of, "output")!)).toBeLessThan(1e-5);
    const named = denoiser.model.namedParameters().sort(([a], [b]) => (a < b ? -1 : 1));
    const [input, ...rest] = gradient([output], [x, ...named.map(([, parameter]) => parameter)], {
      gradOutputs: [value(of, "cotangent")!],
      allowUnused: true,
    });
    expect(relativeError(input!, value(of, "gradient")!)).toBeLessThan(1e-5);
    const norms = tensor(rest.map((one) => one?.norm().item() ?? 0));
    expect(relativeError(norms, value(of, "norms")!)).toBeLessThan(1e-4);
  });

  it("forced normalization leaves the function as it is, and gives each output's weights the norm of its fan-in", () => {
    const of = cases[0]!;
    const denoiser = filled(of);
    const network = denoiser.model as Edm2UNet;
    noGrad(() => network.enc.get("8x8_block0")!.parameters().at(-1)!.mul_(7));
    network.normalizeWeights();
    const run = () =>
      noGrad(() =>
        denoiser.denoise(value(of, "x")!, value(of, "sigma")!, classCondition(value(of, "labels"))),
      );
    expect(relativeError(run(), value(of, "output")!)).toBeLessThan(1e-3);
    const { weight } = network.out_conv;
    const squares = weight.square().sum([1, 2, 3]).toArray() as number[];
    for (const square of squares) expect(square / (weight.numel / squares.length)).toBeCloseTo(1, 2);
  });

  it("a fresh network keeps the magnitude of its input through the encoder", () => {
    const config = { ...cases[0]!.config, modelChannels: 32, channelMultipliers: [1, 2] };
    const denoiser = createDenoiser(config as never, { generator: new Generator(3) }).eval();
    const x = randn([16, 3, 8, 8], { generator: new Generator(4) });
    const features = noGrad(() =>
      denoiser.model.features(x, randn([16]), tensor([[1, 0, 0]]).expand([16, 3])),
    );
    const magnitude = features.square().mean().sqrt().item();
    expect(magnitude).toBeGreaterThan(0.8);
    expect(magnitude).toBeLessThan(1.25);
  });

  it("refuses heads that do not share a level's channels, and to be asked without its classes", () => {
    const base = { network: "edm2", imageResolution: 8, imageChannels: 3 } as const;
    expect(() => parseDenoiserConfig({ ...base, modelChannels: 50, channelsPerHead: 15 })).toThrow(
      /channelsPerHead: 50 channels/,
    );
    expect(() => filled(cases[0]!).model.stateWithoutLabels()).toThrow(/contains no unconditional one/);
  });
});
