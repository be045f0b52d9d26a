import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noGrad, type Tensor, writeSafetensors } from "@disback/torch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diffusers } from "../../src/export/diffusers.js";
import { exportableModel } from "../../src/export/exportable.js";
import { readTeacher } from "../../src/import/read-teacher.js";
import { classCondition } from "../../src/models/condition.js";
import { relativeError } from "../models/fixtures.js";
import { drawnWeights, type OriginalCase, readOriginals, sameBits } from "./drawn-weights.js";
import { messageOf } from "./fixtures.js";

const { cases, value } = readOriginals("adm.safetensors");
const named = (name: string) => cases.find((of) => of.name === name)!;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-adm-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function written(of: OriginalCase, change: (weights: Map<string, Tensor>) => void = () => {}): string {
  const path = join(folder, "model.pt");
  const weights = drawnWeights(of);
  change(weights);
  writeSafetensors(path, weights);
  return path;
}

function flagsFile(flags: Record<string, unknown>): { config: string } {
  const config = join(folder, "flags.json");
  writeFileSync(config, JSON.stringify(flags));
  return { config };
}

describe("checkpoints of guided-diffusion", () => {
  it.each(cases)("$name: the original's estimates", async (of) => {
    const { denoiser, config } = await readTeacher(written(of), flagsFile(of.flags));
    const clean = noGrad(() =>
      denoiser.denoise(value(of, "x")!, value(of, "sigma")!, classCondition(value(of, "labels"))),
    );
    expect(relativeError(clean, value(of, "clean")!)).toBeLessThan(1e-4);
    expect(config).toMatchObject({ network: "unet-2d", preconditioning: "discrete", imageResolution: 16 });
  });

  it("every weight is there, bit by bit", async () => {
    const of = named("old-order");
    const originals = drawnWeights(of);
    const { denoiser } = await readTeacher(written(of), flagsFile(of.flags));
    const state = denoiser.model.stateDict();
    const same = (ours: string, theirs: Tensor) => expect(sameBits(state.get(ours)!, theirs)).toBe(true);
    same("conv_in.weight", originals.get("input_blocks.0.0.weight")!);
    same("up_blocks.1.resnets.1.conv2.weight", originals.get("output_blocks.3.0.out_layers.3.weight")!);
    same("up_blocks.0.upsamplers.0.conv.bias", originals.get("output_blocks.1.1.conv.bias")!);
    // Queries, keys and values of each head together: [heads, 3, width, channels].
    const qkv = originals.get("middle_block.1.qkv.weight")!.reshape([4, 3, 16, 64]);
    for (const [index, name] of ["to_q", "to_k", "to_v"].entries()) {
      const part = qkv.narrow(1, index, 1).reshape([64, 64]);
      same(`mid_block.attentions.0.${name}.weight`, part);
    }
    const total = [...originals.values()].reduce((sum, { numel }) => sum + numel, 0);
    expect([...state.values()].reduce((sum, { numel }) => sum + numel, 0)).toBe(total);
  });

  it("says what it takes and what it leaves out", async () => {
    const of = named("new-order");
    const { notes } = await readTeacher(written(of), flagsFile({ image_size: 16, num_head_channels: 16 }));
    expect(notes).toEqual([
      "the channels of learn_sigma, which estimate a variance, are not used",
      "guided-diffusion's defaults are used: use_new_attention_order false, noise_schedule linear, diffusion_steps 1000, predict_xstart false",
    ]);
  });

  it("flags as on a command line, wrappers' prefixes", async () => {
    const of = named("new-order");
    const path = written(of, (weights) => {
      for (const [key, tensor] of [...weights]) {
        weights.delete(key);
        weights.set(`module.${key}`, tensor);
      }
    });
    const config = join(folder, "flags.txt");
    const text =
      "--image_size 16 --class_cond True --num_head_channels 16 \\\n --use_new_attention_order True";
    writeFileSync(config, `${text} --noise_schedule cosine --use_fp16 True --batch_size 4\n`);
    const { denoiser } = await readTeacher(path, { config });
    const clean = noGrad(() =>
      denoiser.denoise(value(of, "x")!, value(of, "sigma")!, classCondition(value(of, "labels"))),
    );
    expect(relativeError(clean, value(of, "clean")!)).toBeLessThan(1e-4);
  });

  it("can be handed on to diffusers where it has such a network", async () => {
    const of = named("new-order");
    const read = await readTeacher(written(of), flagsFile(of.flags));
    const model = exportableModel({ ...read, module: read.denoiser, facts: read.denoiser.facts });
    await diffusers.write(model, join(folder, "out"), { precision: "f32" });
    const again = await readTeacher(join(folder, "out"));
    const clean = noGrad(() =>
      again.denoiser.denoise(value(of, "x")!, value(of, "sigma")!, classCondition(value(of, "labels"))),
    );
    expect(relativeError(clean, value(of, "clean")!)).toBeLessThan(1e-4);
    const heads = await readTeacher(written(named("old-order")), flagsFile(named("old-order").flags));
    const other = exportableModel({ ...heads, module: heads.denoiser, facts: heads.denoiser.facts });
    expect(await messageOf(() => diffusers.write(other, join(folder, "none"), { precision: "f32" }))).toMatch(
      /cannot have 4 heads/,
    );
  });
});

describe("what does not fit is said", () => {
  const base = { image_size: 16, num_head_channels: 16 };
  it.each<[string, Record<string, unknown> | undefined, RegExp]>([
    [
      "nothing given",
      undefined,
      /openai\/guided-diffusion \(ADM\).*--config FILE: image_size, noise_schedule/,
    ],
    ["no size", { num_head_channels: 16 }, /flags\.json: "image_size" is missing/],
    ["an unknown flag", { ...base, flavour: 1 }, /flags\.json: "flavour" is not a flag of guided-diffusion/],
    ["another width", { ...base, num_channels: 64 }, /"num_channels": 64, but the weights belong to .* 32/],
    ["other classes", { ...base, class_cond: "False" }, /"class_cond": false, but/],
    [
      "another attention",
      { ...base, attention_resolutions: "16,8" },
      /"attention_resolutions": 16,8, but .* at 8/,
    ],
    [
      "heads that do not fit",
      { image_size: 16, num_heads: 5 },
      /"num_heads": 5 does not divide the 64 channels/,
    ],
    ["rescaled steps", { ...base, rescale_timesteps: true, diffusion_steps: 500 }, /"rescale_timesteps"/],
    ["a rule", { ...base, noise_schedule: "sqrt" }, /"noise_schedule"/],
    ["a configuration of ours", { network: "dhariwal-unet" }, /give their training flags/],
  ])("%s", async (_, flags, message) => {
    const path = written(named("new-order"));
    expect(await messageOf(() => readTeacher(path, flags ? flagsFile(flags) : {}))).toMatch(message);
  });

  it.each<[string, (weights: Map<string, Tensor>) => void, RegExp]>([
    [
      "a missing weight",
      (all) => all.delete("middle_block.0.in_layers.2.bias"),
      /missing weight middle_block\.0\.in/,
    ],
    [
      "a further weight",
      (all) => all.set("extra.bias", all.get("out.2.bias")!),
      /does not know what extra\.bias is/,
    ],
    [
      "a classifier",
      (all) => {
        for (const key of [...all.keys()]) if (/^(output_blocks|out)\./.test(key)) all.delete(key);
        all.set("out.2.c_proj.bias", all.get("time_embed.0.bias")!);
      },
      /a classifier, not a diffusion model/,
    ],
    [
      "a super-resolution model",
      (all) => all.set("input_blocks.0.0.weight", all.get("input_blocks.0.0.weight")!.repeat([1, 3, 1, 1])),
      /6 channels out of 9: a super-resolution model/,
    ],
  ])("%s", async (_, change, message) => {
    const path = written(named("new-order"), change);
    expect(await messageOf(() => readTeacher(path, flagsFile(base)))).toMatch(message);
  });
});
