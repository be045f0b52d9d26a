import { Generator, noGrad, type Tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { describeWan } from "../../src/import/diffusers/wan.js";
import { WanTransformer } from "../../src/models/transformers/wan/wan-transformer.js";
import { randomWeights } from "../../src/models/weights.js";
import { type Case, readCases } from "./fixtures.js";
import { compareWithOriginal } from "./reference-case.js";

const source = randomWeights(new Generator(0));
const given = (config: object) => ({ config: config as Record<string, unknown>, configPath: "config.json" });

describe("WanTransformer3DModel of diffusers", () => {
  const { cases, value } = readCases("wan-transformer");
  const build = (of: Case) => new WanTransformer(source, describeWan(given(of.config)));
  const told = (of: Case) => ({ text: value(of, "text")! });

  it.each(cases)("$name: keys, output and gradients", (of) => {
    const network = build(of);
    compareWithOriginal(of, value, network, (x: Tensor) =>
      network.forward(x, value(of, "times")!, told(of)),
    );
    network.dispose();
  });

  it("shows its tokens, and says what it cannot take", () => {
    const of = cases[0]!;
    const network = build(of);
    const [x, times] = [value(of, "x")!, value(of, "times")!];
    expect(noGrad(() => network.features(x, times, told(of))).shape).toEqual([3, 40, 6, 3]);
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
