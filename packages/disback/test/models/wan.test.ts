import { cat, Generator, noGrad, type Tensor, tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { describeWanAutoencoder } from "../../src/import/diffusers/autoencoder-wan.js";
import { describeWan } from "../../src/import/diffusers/wan.js";
import { parseAutoencoderConfig, type WanConfig } from "../../src/models/autoencoder/autoencoder-config.js";
import { latentCodec } from "../../src/models/autoencoder/latent-codec.js";
import { WanAutoencoder } from "../../src/models/autoencoder-wan/autoencoder-wan.js";
import { WanTransformer } from "../../src/models/transformers/wan/wan-transformer.js";
import { randomWeights } from "../../src/models/weights.js";
import { type Case, readCases, relativeError } from "./fixtures.js";
import { compareWithOriginal } from "./reference-case.js";

const source = randomWeights(new Generator(0));
const given = (config: object) => ({ config: config as Record<string, unknown>, configPath: "config.json" });

describe("WanTransformer3DModel of diffusers", () => {
  const { cases, value } = readCases("wan-transformer");
  const build = (of: Case) => new WanTransformer(source, describeWan(given(of.config)));
  const told = (of: Case) => ({ text: value(of, "text")! });

  it.each(cases)("$name: keys, output and gradients", (of) => {
    const network = build(of);
    compareWithOriginal(of, value, network, (x: Tensor) => network.forward(x, value(of, "times")!, told(of)));
    network.dispose();
  });

  it("shows its tokens, and says what it cannot take", () => {
    const of = cases[0]!;
    const network = build(of);
    const [x, times] = [value(of, "x")!, value(of, "times")!];
    const features = noGrad(() => network.features(x, times, told(of)));
    expect(features.shape).toEqual([3, 40, 6, 3]);
    const layers = noGrad(() => network.layerFeatures(x, times, told(of)));
    expect(layers.map((one) => relativeError(one, features) === 0)).toEqual([true, false]);
    const cut = x.narrow(3, 0, 3);
    expect(() => network.forward(cut, times, told(of))).toThrow(
      "3 x 3 x 6 must be frames, height and width, multiples of 1 x 2 x 2",
    );
    expect(() => network.forward(x.select(2, 0), times, told(of))).toThrow("4 x 6 must be frames");
  });

  it.each<[object, string]>([
    [{ image_dim: 1280 }, '"image_dim": 1280 is not supported, only null'],
    [{ added_kv_proj_dim: 5120 }, '"added_kv_proj_dim": 5120 is not supported'],
    [{ in_channels: 36 }, '"in_channels": 36 channels in and 4 out: networks that continue a picture'],
    [{ qk_norm: "rms_norm" }, '"qk_norm": "rms_norm" is not supported, only "rms_norm_across_heads"'],
    [{ window_size: [8, 8] }, '"window_size": unknown field, with the value [8,8]'],
  ])("refuses %j", (change, problem) => {
    expect(() => describeWan(given({ ...cases[0]!.config, ...change }))).toThrow(`config.json: ${problem}`);
  });
});

describe("AutoencoderKLWan of diffusers", () => {
  const { cases, value } = readCases("wan-autoencoder");
  const described = (config: object) =>
    parseAutoencoderConfig(describeWanAutoencoder(given(config)), "config.json") as WanConfig;
  const build = (of: Case) => new WanAutoencoder(source, described(of.config));
  const encoded = (model: WanAutoencoder, x: Tensor) => {
    const { scalingFactor, shiftFactor } = model.config;
    const perChannel = (factors: number | number[]) => tensor([factors].flat()).reshape([1, -1, 1, 1, 1]);
    return model.moments(x).mean.sub(perChannel(shiftFactor)).mul(perChannel(scalingFactor));
  };

  it.each(cases)("$name: keys, latents, clips and gradients", (of) => {
    const model = build(of);
    compareWithOriginal(of, value, model, (x) => {
      const latents = encoded(model, x);
      return cat([latents.flatten(), model.decoded(latents).flatten()]);
    });
    const x = value(of, "x")!;
    const latents = model.encode(x);
    const all = cat([latents.flatten(), model.decode(latents).flatten()]);
    expect(relativeError(all, value(of, "output")!)).toBeLessThan(1e-5);
    const codec = latentCodec(model, latents.shape.slice(1), "here");
    expect(codec.shownShape).toEqual(x.shape.slice(1));
    model.dispose();
  });

  it("says what it cannot take", () => {
    const model = build(cases[0]!);
    const x = value(cases[0]!, "x")!;
    expect(() => model.encode(x.narrow(2, 0, 8))).toThrow("8 frames must be 1 more than a multiple of 4");
    expect(() => latentCodec(model, [2, 4, 4], "here")).toThrow("latents are clips and have 2 channels");
  });

  it.each<[object, string]>([
    [{ is_residual: true }, '"is_residual": true is not supported, only false'],
    [{ patch_size: 2 }, '"patch_size": 2 is not supported, only 1 or null'],
    [{ attn_scales: [0.5] }, '"attn_scales": attention in the levels is not supported'],
    [{ latents_std: [1] }, '"latents_std": must be 2 numbers (z_dim)'],
    [{ temperal_downsample: [true] }, '"temperal_downsample": must be 2, one between two levels'],
    [{ base_dim: 3, dim_mult: [1, 1, 1] }, "decoderChannels: 3 channels of a level cannot be halved"],
  ])("refuses %j", (change, problem) => {
    expect(() => described({ ...cases[0]!.config, ...change })).toThrow(`config.json: ${problem}`);
  });
});
