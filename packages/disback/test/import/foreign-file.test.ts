import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noGrad, readSafetensors, writeSafetensors } from "@disback/torch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readTeacher } from "../../src/import/read-teacher.js";
import { loadModel, saveModel } from "../../src/models/config.js";
import { relativeError } from "../models/fixtures.js";
import { fixture, messageOf } from "./fixtures.js";

const lfs = `version https://git-lfs.github.com/spec/v1\noid sha256:${"4d".repeat(32)}\nsize 223295232\n`;
const page = "\n<!-- cached -->\n<HTML><head><title>404 Not Found</title></head></HTML>";
const pipeline = fixture("../diffusers/pipeline");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-foreign-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

describe("every reader says what a file is", () => {
  const bad: [string, string, RegExp][] = [
    ["lfs", lfs, /Git LFS pointer.*git lfs pull/],
    ["page", page, /a web page \("404 Not Found"\)/],
    ["empty", "", /the file is empty/],
  ];

  it.each(bad)("weights given as a file: %s", async (_, content, message) => {
    for (const name of ["a.safetensors", "a.pkl", "a.pt", "a.ckpt"]) {
      expect(await messageOf(() => readTeacher(written(name, content)))).toMatch(message);
    }
  });

  it.each(bad)("files of a diffusers folder: %s", async (_, content, message) => {
    for (const file of [
      "unet/diffusion_pytorch_model.safetensors",
      "unet/config.json",
      "scheduler/scheduler_config.json",
      "model_index.json",
    ]) {
      const copy = join(folder, file.replaceAll("/", "-"));
      cpSync(pipeline, copy, { recursive: true });
      writeFileSync(join(copy, file), content);
      const said = await messageOf(() => readTeacher(copy));
      expect(said).toMatch(message);
      expect(said).toContain(file);
    }
  });

  it.each(bad)("files of a model folder of ours: %s", async (_, content, message) => {
    const { denoiser, config } = await readTeacher(fixture("vp-ddpmpp.pkl"));
    for (const file of ["model.safetensors", "config.json"]) {
      saveModel(join(folder, "ours"), denoiser, config);
      writeFileSync(join(folder, "ours", file), content);
      expect(await messageOf(() => loadModel(join(folder, "ours")))).toMatch(message);
    }
  });
});

describe("the content counts, not the name", () => {
  it("safetensors under .pt and .bin, a checkpoint under .safetensors", async () => {
    const config = fixture("state-config.json");
    const outputs = readSafetensors(fixture("outputs.safetensors")).tensors;
    const [x, sigma, labels, output] = ["x", "sigma", "labels", "output"].map(
      (key) => outputs.get(`edm-ddpmpp/${key}`)!,
    );
    const { denoiser } = await readTeacher(fixture("state.pt"), { config });
    const safetensors = join(folder, "weights.pt");
    writeSafetensors(safetensors, denoiser.stateDict());
    for (const path of [safetensors, written("a.safetensors", readFileSync(fixture("state.pt")))]) {
      const read = (await readTeacher(path, { config })).denoiser;
      const estimate = noGrad(() => read.denoise(x!, sigma!, { class: labels! }));
      expect(relativeError(estimate, output!)).toBeLessThan(1e-4);
    }
  });

  it("safetensors under .bin in a folder of diffusers", async () => {
    const copy = join(folder, "flat");
    cpSync(fixture("../diffusers/flat"), copy, { recursive: true });
    const weights = "unet/diffusion_pytorch_model.safetensors";
    cpSync(join(pipeline, weights), join(copy, "diffusion_pytorch_model.bin"));
    expect((await readTeacher(copy)).format).toBe("diffusers DDPMPipeline, safetensors");
  });

  it("a checkpoint in place of our own weights is told, not read", async () => {
    const { denoiser, config } = await readTeacher(fixture("vp-ddpmpp.pkl"));
    saveModel(folder, denoiser, config);
    writeFileSync(join(folder, "model.safetensors"), readFileSync(fixture("state.pt")));
    expect(await messageOf(() => loadModel(folder))).toMatch(/a PyTorch checkpoint, not safetensors/);
  });

  it("cut and other archives", async () => {
    const bytes = readFileSync(fixture("state.pt"));
    const cut = written("cut.pt", bytes.subarray(0, bytes.length - 30));
    expect(await messageOf(() => readTeacher(cut))).toMatch(
      /cut\.pt: a zip without its end.*download it again/,
    );
    const arrays = fixture("../metrics/edmReference.npz");
    expect(await messageOf(() => readTeacher(arrays))).toMatch(/no data\.pkl.*it holds mu\.npy, sigma\.npy/);
  });
});
