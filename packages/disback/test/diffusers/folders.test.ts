import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noGrad, readSafetensors, writeSafetensors } from "@disback/torch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readTeacher } from "../../src/import/read-teacher.js";
import { classCondition } from "../../src/models/condition.js";
import { loadModel } from "../../src/models/config.js";
import type { Denoiser } from "../../src/models/denoiser.js";
import { importTeacher } from "../../src/runs/jobs/teacher-import.js";
import { silent } from "../../src/runs/progress.js";
import { messageOf } from "../import/fixtures.js";
import { relativeError } from "../models/fixtures.js";
import { fixture } from "./fixtures.js";

const { tensors } = readSafetensors(fixture("folder-outputs.safetensors"));

/** Largest relative difference from what diffusers estimates. */
function difference(denoiser: Denoiser): number {
  const [x, sigma, labels] = ["x", "sigma", "labels"].map((key) => tensors.get(key)!);
  return relativeError(
    noGrad(() => denoiser.denoise(x!, sigma!, classCondition(labels))),
    tensors.get("output")!,
  );
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-diffusers-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of a fixture that may be spoilt. */
function copyOf(name: string): string {
  const copy = join(folder, name);
  cpSync(fixture(name), copy, { recursive: true });
  return copy;
}

/** Changes fields of a JSON file; undefined takes one away. */
function change(path: string, fields: Record<string, unknown>): void {
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...fields }));
}

describe("folders give what diffusers gives", () => {
  it.each([
    ["pipeline", 1e-5, "diffusers DDPMPipeline, safetensors"],
    ["flat", 1e-5, "diffusers DDPMPipeline, PyTorch checkpoint (zip)"],
    ["sharded", 5e-3, "diffusers model, safetensors, 5 files"],
  ])("%s", async (name, tolerance, format) => {
    const teacher = await readTeacher(fixture(name));
    expect(difference(teacher.denoiser)).toBeLessThan(tolerance);
    expect(teacher).toMatchObject({ format, className: "UNet2DModel", prefix: "", ignored: 0 });
    expect(teacher.config).toMatchObject({ network: "unet-2d", prediction: "v", labelDim: 3, clipSample: 1 });
    expect(teacher.denoiser.parameters().every(({ dtype }) => dtype === "float32")).toBe(true);
  });

  it("one model's folder, with the scheduler beside its files", async () => {
    const model = copyOf("flat");
    rmSync(join(model, "model_index.json"));
    expect(difference((await readTeacher(model)).denoiser)).toBeLessThan(1e-5);
  });

  it("a safetensors file with a configuration", async () => {
    const { config } = await readTeacher(fixture("pipeline"));
    const path = join(folder, "config.json");
    writeFileSync(path, JSON.stringify(config));
    const weights = fixture("pipeline/unet/diffusion_pytorch_model.safetensors");
    expect(difference((await readTeacher(weights, { config: path })).denoiser)).toBeLessThan(1e-5);
    expect(await messageOf(() => readTeacher(weights))).toMatch(
      /safetensors: \d+ tensors that do not identify.*--config/,
    );
  });

  it("import writes a folder that gives the same, and a grid", async () => {
    const out = join(folder, "teacher");
    const options = {
      out,
      samples: 2,
      steps: 2,
      seed: 0,
      device: "cpu",
      force: false,
      progress: silent,
    } as const;
    const imported = await importTeacher(fixture("pipeline"), options);
    expect(readdirSync(out).sort()).toEqual(["config.json", "grid.png", "model.safetensors"]);
    expect(difference(loadModel(out).denoiser)).toBeLessThan(1e-5);
    expect(imported.notes).toEqual([
      "the original's sampler clips its estimates at 1; the denoiser does not",
    ]);
  });
});

describe("what is wrong is said, with file and key", () => {
  const unet = (path: string) => join(path, "unet", "config.json");
  const weights = (path: string) => join(path, "unet", "diffusion_pytorch_model.safetensors");
  const index = (path: string) => join(path, "diffusion_pytorch_model.safetensors.index.json");
  const changeWeights = (path: string, edit: (all: Map<string, never>) => void) => {
    const all = new Map([...readSafetensors(path).tensors].map(([key, value]) => [key, value.clone()]));
    edit(all as never);
    writeSafetensors(path, all);
  };

  it.each<[what: string, fixtureName: string, spoil: (path: string) => void, message: RegExp]>([
    [
      "no weights",
      "pipeline",
      (path) => rmSync(weights(path)),
      /unet\/diffusion_pytorch_model\.safetensors: no such file$/,
    ],
    [
      "no scheduler",
      "pipeline",
      (path) => rmSync(join(path, "scheduler"), { recursive: true }),
      /scheduler_config\.json: no such file/,
    ],
    [
      "a broken configuration",
      "pipeline",
      (path) => writeFileSync(unet(path), "{"),
      /unet\/config\.json: not valid JSON$/,
    ],
    [
      "a list for a configuration",
      "pipeline",
      (path) => writeFileSync(unet(path), "[]"),
      /unet\/config\.json: not a JSON object/,
    ],
    [
      "another class",
      "pipeline",
      (path) => change(unet(path), { _class_name: "UNet3DModel" }),
      /config\.json: "_class_name" is UNet3DModel/,
    ],
    [
      "an unknown network",
      "pipeline",
      (path) => change(join(path, "model_index.json"), { unet: ["diffusers", "FluxModel"] }),
      /"_class_name" is UNet2DModel, but model_index\.json says FluxModel/,
    ],
    [
      "no network",
      "pipeline",
      (path) => change(join(path, "model_index.json"), { unet: [null, null] }),
      /no network that disback knows: there is scheduler \(DDPMScheduler\); UNet2DModel/,
    ],
    [
      "an unsupported block",
      "pipeline",
      (path) => change(unet(path), { down_block_types: ["DownBlock2D", "KDownBlock2D"] }),
      /unet\/config\.json: "down_block_types\.1"/,
    ],
    [
      "another scheduler",
      "pipeline",
      (path) =>
        change(join(path, "scheduler", "scheduler_config.json"), { _class_name: "ScoreSdeVeScheduler" }),
      /scheduler_config\.json: "_class_name": ScoreSdeVeScheduler is not known/,
    ],
    [
      "a larger network",
      "pipeline",
      (path) => change(unet(path), { block_out_channels: [2048, 4096] }),
      /the network is larger than the \d+ numbers in the file/,
    ],
    [
      "another network",
      "pipeline",
      (path) => change(unet(path), { block_out_channels: [8, 8] }),
      /model\.safetensors: unexpected weights: down_blocks\.1\.resnets/,
    ],
    [
      "a missing weight",
      "pipeline",
      (path) => changeWeights(weights(path), (all) => all.delete("conv_out.bias")),
      /missing weights: conv_out\.bias/,
    ],
    [
      "a further weight",
      "pipeline",
      (path) => changeWeights(weights(path), (all) => all.set("conv_mid.bias", all.get("conv_in.bias")!)),
      /unexpected weights: conv_mid\.bias/,
    ],
    [
      "a weight that is no number",
      "pipeline",
      (path) =>
        changeWeights(weights(path), (all) =>
          (all.get("conv_in.bias") as never as { fill_(x: number): void }).fill_(Number.NaN),
        ),
      /conv_in\.bias holds infinity or NaN/,
    ],
    [
      "cut weights",
      "pipeline",
      (path) => writeFileSync(weights(path), readFileSync(weights(path)).subarray(0, 20_000)),
      /model\.safetensors: tensor ".*cut short/,
    ],
    [
      "a component elsewhere",
      "pipeline",
      (path) => change(join(path, "model_index.json"), { "../flat": ["diffusers", "UNet2DModel"] }),
      /"\.\.\/flat": .*refused/,
    ],
    [
      "a shard elsewhere",
      "sharded",
      (path) =>
        change(index(path), {
          weight_map: { "conv_in.bias": "../pipeline/unet/diffusion_pytorch_model.safetensors" },
        }),
      /"conv_in\.bias": "\.\.\/pipeline.*refused/,
    ],
    [
      "an index without a table",
      "sharded",
      (path) => change(index(path), { weight_map: 3 }),
      /index\.json: "weight_map"/,
    ],
    [
      "a shard that is missing",
      "sharded",
      (path) => rmSync(join(path, "diffusion_pytorch_model-00002-of-00005.safetensors")),
      /00002-of-00005\.safetensors: no such file/,
    ],
    [
      "a pickle that calls",
      "flat",
      (path) => cpSync(fixture("../import/hostile-system.pkl"), join(path, "diffusion_pytorch_model.bin")),
      /diffusion_pytorch_model\.bin: refused/,
    ],
  ])("%s", async (_, name, spoil, message) => {
    const path = copyOf(name);
    spoil(path);
    const out = join(folder, "out");
    const options = {
      out,
      samples: 0,
      steps: 1,
      seed: 0,
      device: "cpu",
      force: false,
      progress: silent,
    } as const;
    expect(await messageOf(() => importTeacher(path, options))).toMatch(message);
    expect(readdirSync(folder)).toEqual([name]);
  });

  it("a key that the index puts into another file", async () => {
    const path = copyOf("sharded");
    const { weight_map } = JSON.parse(readFileSync(index(path), "utf8"));
    const [first, ...rest] = Object.keys(weight_map);
    const other = rest.map((key) => weight_map[key]).find((file) => file !== weight_map[first!]);
    change(index(path), { weight_map: { ...weight_map, [first!]: other } });
    expect(await messageOf(() => readTeacher(path))).toContain(`${other}: ${first} is missing`);
  });

  it("a folder of something else", async () => {
    mkdirSync(join(folder, "photos"));
    expect(await messageOf(() => readTeacher(join(folder, "photos")))).toMatch(/photos: a folder without/);
  });
});
