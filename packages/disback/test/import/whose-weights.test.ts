import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSafetensors, zeros } from "@disback/torch";
import { afterAll, expect, it } from "vitest";
import { readTeacher } from "../../src/import/read-teacher.js";
import { messageOf } from "./fixtures.js";

const folder = mkdtempSync(join(tmpdir(), "disback-whose-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each<[what: string, keys: string[], message: RegExp]>([
  [
    "a single file of Stable Diffusion",
    ["model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.encoder.conv_in.weight"],
    /the weights are Stable Diffusion.s single file.*--teacher FILE with --tokenizer FOLDER/,
  ],
  [
    "k-diffusion's image_v1",
    ["inner_model.proj_in.weight", "inner_model.timestep_embed.weight"],
    /the weights are crowsonkb\/k-diffusion's.*does not support: run it with its own code, or train a teacher/,
  ],
  ["k-diffusion's transformer", ["time_emb.weight", "patch_in.proj.weight"], /crowsonkb\/k-diffusion's/],
  [
    "lucidrains'",
    ["ema_model.model.init_conv.weight", "online_model.model.init_conv.weight"],
    /the weights are lucidrains\/denoising-diffusion-pytorch's/,
  ],
  [
    "DiT's own",
    ["x_embedder.proj.weight", "blocks.0.attn.qkv.weight", "final_layer.linear.weight"],
    /the weights are facebookresearch\/DiT's.*convert_dit_to_diffusers/,
  ],
  [
    "guided-diffusion's, a fragment",
    ["time_embed.0.weight", "input_blocks.0.0.weight", "middle_block.0.in_layers.0.weight"],
    /openai\/guided-diffusion/,
  ],
  ["score_sde's, a fragment", ["module.all_modules.0.W"], /yang-song\/score_sde_pytorch/],
  [
    "diffusers' without its folder",
    ["time_embedding.linear_1.weight", "conv_norm_out.weight"],
    /\(diffusers': give the folder/,
  ],
  [
    "EDM2's without its pickle",
    ["unet.emb_fourier.freqs"],
    /\(NVlabs\/edm2's: give one of its network snapshots, \.pkl\)/,
  ],
  ["nobody's", ["layer.weight"], /1 tensors that do not identify their network: give its configuration/],
])("%s", async (what, keys, message) => {
  const path = join(folder, `${what.replaceAll(/\W/g, "-")}.safetensors`);
  writeSafetensors(path, new Map(keys.map((key) => [key, zeros([2, 2])])));
  const said = await messageOf(() => readTeacher(path));
  expect(said).toMatch(message);
  expect(said).not.toContain("\n");
});
