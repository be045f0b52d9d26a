import { Generator, noGrad } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { describeUNet2DCondition } from "../../src/import/diffusers/unet-2d-condition.js";
import {
  type UNet2DCondition,
  UNet2DConditionModel,
} from "../../src/models/unet-2d-condition/unet-2d-condition.js";
import { randomWeights } from "../../src/models/weights.js";
import { type Case, readCases, relativeError } from "./fixtures.js";
import { compareWithOriginal } from "./reference-case.js";

const { cases, value } = readCases("unet-2d-condition");
const given = (of: Case) => of.config as unknown as Record<string, unknown>;
const describing = (config: Record<string, unknown>) =>
  describeUNet2DCondition({ config, configPath: "config.json" });

function build(of: Case): UNet2DConditionModel {
  const { options } = describing(given(of));
  return new UNet2DConditionModel(randomWeights(new Generator(0)), options).eval();
}

function conditionOf(of: Case): UNet2DCondition {
  const named = { textMask: "mask", pooled: "pooled", sizes: "sizes" };
  const rest = Object.entries(named).map(([field, key]) => [field, value(of, key)]);
  return { text: value(of, "text")!, ...Object.fromEntries(rest) };
}

describe("UNet2DConditionModel of diffusers", () => {
  it.each(cases)("$name: keys, output and gradients", (of) => {
    const network = build(of);
    compareWithOriginal(of, value, network, (x) => network.forward(x, value(of, "steps")!, conditionOf(of)));
    network.dispose();
  });

  it("shows its bottleneck", () => {
    const of = cases.find(({ name }) => name === "sd1")!;
    const network = build(of);
    const told = [value(of, "x")!, value(of, "steps")!, conditionOf(of)] as const;
    const seen = noGrad(() => network.features(...told));
    expect(seen.shape).toEqual([3, 16, 4, 4]);
    const layers = noGrad(() => network.layerFeatures(...told));
    expect(layers.map(({ shape }) => shape[3])).toEqual([8, 4]);
    expect(relativeError(layers[1]!, seen)).toBe(0);
  });

  it("says what it lacks", () => {
    const of = cases.find(({ name }) => name === "sdxl")!;
    const network = build(of);
    const condition = conditionOf(of);
    const run = (told: UNet2DCondition, x = value(of, "x")!) =>
      noGrad(() => network.forward(x, value(of, "steps")!, told));
    expect(() => run({ ...condition, pooled: undefined })).toThrow('"pooled" is missing');
    expect(() => run({ ...condition, sizes: undefined })).toThrow('"sizes" is missing');
    expect(() => run(condition, value(of, "x")!.narrow(3, 0, 7))).toThrow("8 x 7 must be multiples of 2");
  });
});

describe("configurations that are refused", () => {
  const valid = given(cases[0]!);
  it.each<[Record<string, unknown>, string]>([
    [{ dual_cross_attention: true }, '"dual_cross_attention": true is not supported, only false'],
    [{ class_embed_type: "projection" }, '"class_embed_type": "projection" is not supported, only null'],
    [{ num_class_embeds: 1000 }, '"num_class_embeds": 1000 is not supported'],
    [{ time_cond_proj_dim: 256 }, '"time_cond_proj_dim": 256 is not supported'],
    [{ encoder_hid_dim: 4096 }, '"encoder_hid_dim": 4096 is not supported'],
    [{ act_fn: "gelu" }, '"act_fn": "gelu" is not supported, only "silu" or "swish"'],
    [{ num_attention_heads: 8 }, '"num_attention_heads": 8 is not supported'],
    [{ only_cross_attention: [true, false] }, '"only_cross_attention": [true,false] is not supported'],
    [{ addition_embed_type: "image" }, '"addition_embed_type": "image" is not supported'],
    [{ addition_embed_type: "text_time" }, '"addition_time_embed_dim": is needed'],
    [{ projection_class_embeddings_input_dim: 7 }, '"projection_class_embeddings_input_dim": 7 is for no'],
    [{ down_block_types: ["AttnDownBlock2D", "DownBlock2D"] }, '"down_block_types.0"'],
    [{ mid_block_type: "UNetMidBlock2DSimpleCrossAttn" }, '"mid_block_type"'],
    [{ up_block_types: ["UpBlock2D"] }, '"up_block_types": must have 2 entries'],
    [{ layers_per_block: [1, 2, 3] }, '"layers_per_block": must have 2 entries'],
    [{ transformer_layers_per_block: [[1, 2], 1] }, '"reverse_transformer_layers_per_block": is needed'],
    [{ attention_head_dim: 3 }, '"attention_head_dim": 8 channels cannot be shared by 3 heads'],
    [{ norm_num_groups: 3 }, '"block_out_channels": 8 channels cannot be shared by 3'],
    [{ motion_layers: 2 }, '"motion_layers": unknown field, with the value 2'],
  ])("%j", (change, problem) => {
    expect(() => describing({ ...valid, ...change })).toThrow(`config.json: ${problem}`);
  });
});
