import { Generator, noGrad, type Tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { describeFlux } from "../../src/import/diffusers/flux.js";
import { describeSd3 } from "../../src/import/diffusers/sd3.js";
import type { TransformerCondition } from "../../src/models/transformers/condition.js";
import { FluxTransformer } from "../../src/models/transformers/flux/flux-transformer.js";
import { pack, unpack } from "../../src/models/transformers/flux/packing.js";
import { Sd3Transformer } from "../../src/models/transformers/sd3/sd3-transformer.js";
import { randomWeights } from "../../src/models/weights.js";
import { type Case, readCases, relativeError } from "./fixtures.js";
import { compareWithOriginal } from "./reference-case.js";

const source = randomWeights(new Generator(0));
const given = (config: object) => ({ config: config as Record<string, unknown>, configPath: "config.json" });
const conditionOf = (
  value: (of: Case, key: string) => Tensor | undefined,
  of: Case,
): TransformerCondition => ({
  text: value(of, "text")!,
  pooled: value(of, "pooled"),
  guidance: value(of, "guidance"),
});

describe("SD3Transformer2DModel of diffusers", () => {
  const { cases, value } = readCases("sd3-transformer");
  const build = (of: Case) => new Sd3Transformer(source, describeSd3(given(of.config)).options);

  it.each(cases)("$name: keys, output and gradients", (of) => {
    const network = build(of);
    const table = value(of, "buffer.pos_embed.pos_embed")!;
    expect(relativeError(network.pos_embed.pos_embed, table)).toBeLessThan(1e-7);
    compareWithOriginal(of, value, network, (x) =>
      network.forward(x, value(of, "times")!, conditionOf(value, of)),
    );
    network.dispose();
  });

  it("shows its tokens, and says what it lacks or cannot take", () => {
    const of = cases[0]!;
    const network = build(of);
    const [x, times, condition] = [value(of, "x")!, value(of, "times")!, conditionOf(value, of)];
    const features = noGrad(() => network.features(x, times, condition));
    expect(features.shape).toEqual([3, 16, 4, 5]);
    const layers = noGrad(() => network.layerFeatures(x, times, condition));
    expect(layers.map((one) => relativeError(one, features) === 0)).toEqual([false, true, false]);
    expect(() => network.forward(x, times, { text: condition.text })).toThrow('"pooled" is missing');
    expect(() => network.forward(x.narrow(2, 0, 7), times, condition)).toThrow("7 x 10 must be multiples");
    const wide = x.repeat([1, 1, 1, 2]);
    expect(() => network.forward(wide, times, condition)).toThrow("4 x 10 patches are more than 6");
  });

  it.each<[object, string]>([
    [{ qk_norm: "layer_norm" }, '"qk_norm": "layer_norm" is not supported'],
    [{ caption_projection_dim: 20 }, '"caption_projection_dim": 20 must be'],
    [{ dual_attention_layers: [3] }, '"dual_attention_layers": there is no layer 3'],
    [{ force_inject: 1 }, '"force_inject": unknown field, with the value 1'],
  ])("refuses %j", (change, problem) => {
    expect(() => describeSd3(given({ ...cases[0]!.config, ...change }))).toThrow(`config.json: ${problem}`);
  });
});

describe("FluxTransformer2DModel of diffusers", () => {
  const { cases, value } = readCases("flux-transformer");
  const build = (of: Case) => new FluxTransformer(source, describeFlux(given(of.config)));

  it.each(cases)("$name: keys, output and gradients", (of) => {
    const network = build(of);
    compareWithOriginal(of, value, network, (x) =>
      network.forward(x, value(of, "times")!, conditionOf(value, of)),
    );
    network.dispose();
  });

  it("shows its tokens, and says what it lacks or cannot take", () => {
    const of = cases[0]!;
    const network = build(of);
    const [x, times, condition] = [value(of, "x")!, value(of, "times")!, conditionOf(value, of)];
    const features = noGrad(() => network.features(x, times, condition));
    expect(features.shape).toEqual([3, 32, 3, 4]);
    const layers = noGrad(() => network.layerFeatures(x, times, condition));
    expect(layers.map((one) => relativeError(one, features) === 0)).toEqual([false, true, false, false]);
    expect(() => network.forward(x, times, { ...condition, guidance: undefined })).toThrow('"guidance" is');
    expect(() => network.forward(x.narrow(2, 0, 5), times, condition)).toThrow("5 x 8 must be even");
  });

  it("packs and unpacks", () => {
    const x = value(cases[0]!, "x")!;
    expect(relativeError(unpack(pack(x), 6, 8), x)).toBe(0);
  });

  it.each<[object, string]>([
    [{ patch_size: 2 }, '"patch_size": 2 is not supported, only 1'],
    [{ axes_dims_rope: [4, 4, 4] }, '"axes_dims_rope": 12 channels in all must be attention_head_dim (16)'],
    [{ in_channels: 10 }, '"in_channels"'],
  ])("refuses %j", (change, problem) => {
    expect(() => describeFlux(given({ ...cases[0]!.config, ...change }))).toThrow(`config.json: ${problem}`);
  });
});
