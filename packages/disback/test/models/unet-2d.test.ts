import { noGrad, ops, readSafetensors, type Tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { describeUNet2D } from "../../src/import/diffusers/unet-2d.js";
import { createDenoiser } from "../../src/models/config.js";
import type { UNet2D } from "../../src/models/unet-2d/unet-2d.js";
import { withoutLabels } from "../../src/models/without-labels.js";
import { component, ddpm, fixture } from "../diffusers/fixtures.js";
import { fill, relativeError } from "./fixtures.js";

interface Case {
  name: string;
  seed: number;
  config: Record<string, unknown>;
  keys: Record<string, number[]>;
}

const { tensors, metadata } = readSafetensors(fixture("networks.safetensors"));
const cases = JSON.parse(metadata["cases"]!) as Case[];
const value = (of: Case, key: string): Tensor | undefined => tensors.get(`${of.name}/${key}`);
const named = (name: string): Case => cases.find((of) => of.name === name)!;

function build(of: Case) {
  const scheduler =
    of.name === "variance" ? component({ ...ddpm.config, variance_type: "learned_range" }) : ddpm;
  const config = describeUNet2D(component(of.config), scheduler);
  const denoiser = createDenoiser(config).eval();
  const network = denoiser.model as UNet2D;
  fill(network, of.seed);
  const frequencies = value(of, "frequencies");
  if (frequencies) noGrad(() => network.stateDict().get("time_proj.weight")!.copy_(frequencies));
  return { config, denoiser, network };
}

/** Labels as our networks take them. */
function labelsOf(of: Case, labelDim: number): Tensor | undefined {
  const labels = value(of, "labels");
  if (!labels) return undefined;
  return labelDim === 1 ? labels.float().reshape([-1, 1]) : ops.one_hot(labels, labelDim).float();
}

describe("UNet2DModel of diffusers", () => {
  it.each(cases.map((of) => [of.name, of] as const))("%s: same keys, same outputs", (_, of) => {
    const { config, network } = build(of);
    expect(Object.fromEntries([...network.stateDict()].map(([key, { shape }]) => [key, shape]))).toEqual(
      of.keys,
    );
    const labels = labelsOf(of, config.labelDim);
    const output = noGrad(() => network.forward(value(of, "x")!, value(of, "steps")!, labels));
    expect(relativeError(output, value(of, "output")!)).toBeLessThan(2e-5);
    network.dispose();
  });

  it("gives the same with a graph, and gradients reach every weight", () => {
    const of = named("three-levels");
    const { network } = build(of);
    const output = network.forward(value(of, "x")!, value(of, "steps")!);
    expect(relativeError(output, value(of, "output")!)).toBeLessThan(2e-5);
    output.square().sum().backward();
    for (const [key, parameter] of network.namedParameters()) {
      expect(parameter.grad?.abs().max().item(), key).toBeGreaterThan(0);
    }
  });

  it("starts with PyTorch's distribution, the same for the same seed", () => {
    const { config } = build(named("defaults"));
    const weight = (createDenoiser(config).model as UNet2D).conv_in.weight;
    const bound = 1 / Math.sqrt(27);
    expect(weight.abs().max().item()).toBeLessThanOrEqual(bound);
    expect(weight.abs().max().item()).toBeGreaterThan(0.9 * bound);
  });

  it.each(["classes", "timestep-class"])("%s: without labels it answers as with none", (name) => {
    const of = named(name);
    const { config, denoiser } = build(of);
    const part = withoutLabels({ denoiser, config });
    const [x, sigma] = [value(of, "x")!, value(of, "steps")!];
    const [expected, given] = noGrad(() => [denoiser.denoise(x, sigma), part.denoiser.denoise(x, sigma)]);
    expect(relativeError(given!, expected!)).toBeLessThan(1e-5);
    expect(part.denoiser.stateDict().has("model.class_embedding.weight")).toBe(false);
  });

  it("fourier: the lowest step is 1, whose logarithm exists", () => {
    const of = named("fourier");
    const { denoiser } = build(of);
    const sigma = ops.full([3], denoiser.sigmaMin / 2, "float32");
    const output = noGrad(() => denoiser.denoise(value(of, "x")!, sigma));
    expect(output.isfinite().all().item()).toBe(1);
  });
});

describe("networks that are refused", () => {
  const valid = named("defaults").config;
  it.each<[Record<string, unknown>, string]>([
    [{ down_block_types: ["CrossAttnDownBlock2D", "DownBlock2D"] }, '"down_block_types.0"'],
    [{ up_block_types: ["UpBlock2D", "KUpBlock2D"] }, '"up_block_types.1"'],
    [{ mid_block_type: "UNetMidBlock2DCrossAttn" }, '"mid_block_type"'],
    [{ time_embedding_type: "learned" }, '"time_embedding_type"'],
    [{ class_embed_type: "identity" }, '"class_embed_type"'],
    [{ resnet_time_scale_shift: "spatial" }, '"resnet_time_scale_shift"'],
    [{ act_fn: "tanh" }, '"act_fn"'],
    [{ sample_size: null }, '"sample_size"'],
    [{ sample_size: [8, 16] }, '"sample_size"'],
    [{ out_channels: 4 }, '"out_channels" is 4'],
    [{ norm_num_groups: -1 }, '"norm_num_groups"'],
  ])("%j", (change, problem) => {
    expect(() => describeUNet2D(component({ ...valid, ...change }), ddpm)).toThrow(`config.json: ${problem}`);
  });

  it.each<[Record<string, unknown>, string]>([
    [
      { up_block_types: ["UpBlock2D"] },
      '"up_block_types": must have 2 entries, as many as block_out_channels',
    ],
    [{ sample_size: 9 }, '"sample_size": must be a multiple of 2'],
    [{ norm_num_groups: 3 }, '"block_out_channels": 8 channels cannot be divided into 3 norm_num_groups'],
    [{ attention_head_dim: 32 }, '"attention_head_dim": an attention head of 32 channels does not fit'],
    [{ attn_norm_num_groups: 5 }, '"attn_norm_num_groups": 16 channels cannot be divided into 5'],
  ])("%j", (change, problem) => {
    expect(() => describeUNet2D(component({ ...valid, ...change }), ddpm)).toThrow(`config.json: ${problem}`);
  });
});
