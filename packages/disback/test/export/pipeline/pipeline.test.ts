import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Generator,
  noGrad,
  randn,
  readSafetensors,
  type Tensor,
  tensor,
  writeSafetensors,
} from "@disback/torch";
import { afterAll, describe, expect, it } from "vitest";
import { DenoiserStudent } from "../../../src/distill/denoiser-student.js";
import { openTextToImagePipeline } from "../../../src/import/pipeline/text-to-image-pipeline.js";
import { LowRankDenoiser } from "../../../src/models/adapters/low-rank-denoiser.js";
import type { Condition } from "../../../src/models/condition.js";
import { createDenoiser, saveModel } from "../../../src/models/config.js";
import { adaptersOnModel } from "../../../src/runs/adapter-folder.js";
import { type ExportOptions, exportModel } from "../../../src/runs/jobs/exporting.js";
import { openDenoiser, openModel } from "../../../src/runs/open-model.js";
import { silent } from "../../../src/runs/progress.js";
import { writeStudentFile } from "../../../src/runs/student-file.js";
import { writeTextEncoder } from "../../../src/runs/text-encoder.js";
import { fingerprint } from "../../../src/training/hashing.js";
import { relativeError } from "../../models/fixtures.js";
import { pipelinePath, reference, tokenizerPath, writeSingleFile } from "../../pipelines/fixtures.js";

const value = reference("pipeline-export");
const written = JSON.parse(readFileSync(pipelinePath("pipeline-export.json"), "utf8")) as Record<
  string,
  Record<string, string>
>;
const place = mkdtempSync(join(tmpdir(), "disback-pipeline-export-"));
afterAll(() => rmSync(place, { recursive: true }));

/** A student of adapters, as make_pipeline_export.mjs makes it. @returns its folder */
async function adaptersOn(source: string, name: string, sigmaInit: number, pipeline: object = {}) {
  const base = await openDenoiser(source, { device: "cpu", weightsOnly: true, pipeline });
  const print = fingerprint(base.module);
  const generator = new Generator(3);
  const adapters = new LowRankDenoiser(base.module, { rank: 2, generator });
  noGrad(() => {
    for (const weight of adapters.parameters()) weight.copy_(randn(weight.shape, { generator }).mul(0.2));
  });
  const folder = join(place, `${name}-student`);
  mkdirSync(folder);
  adaptersOnModel(base, adapters, { source, unconditional: false, fingerprint: print }).save(
    folder,
    adapters,
  );
  writeStudentFile(folder, { kind: "denoiser", sigmaInit, laterSigmas: [] });
  return { folder, base, adapters };
}

const exported = (source: string, name: string, more: Partial<ExportOptions> = {}) => {
  const out = join(place, name);
  const options = { format: "diffusers", precision: "f32", force: false, progress: silent } as const;
  return exportModel(source, { ...options, out, ...more }).then((report) => ({ out, report }));
};

/** The picture that a written folder's network makes in one step. */
async function picture(
  folder: string,
  sigmaInit: number,
  z: Tensor,
  told: Condition,
  more: object = {},
): Promise<Tensor> {
  const pipeline = { resolution: 16, ...more };
  const { module } = await openModel(folder, { device: "cpu", weightsOnly: true, pipeline });
  return new DenoiserStudent(module as LowRankDenoiser, {
    ...{ sigmaInit, conditions: { draw: () => undefined } },
  }).generate(z, told);
}

const cases = [
  ["sd", 2.5, { text: reference("sd")("text") }],
  [
    "sdxl",
    2.5,
    {
      ...{ text: reference("sdxl")("text"), pooled: reference("sdxl")("pooled") },
      sizes: tensor([[16, 16, 0, 0, 16, 16]]),
    },
  ],
  ["sd3", 4, { text: reference("sd3")("text"), pooled: reference("sd3")("pooled") }],
  [
    "flux",
    4,
    { text: reference("flux")("text"), pooled: reference("flux")("pooled"), guidance: tensor([2]) },
  ],
  ["wan", 4, { text: reference("wan")("text") }],
] as const satisfies [string, number, Condition][];

/** How each is opened, besides the size of its pictures. */
const choices: Readonly<Record<string, object>> = { flux: { embeddedGuidance: 2 }, wan: { frames: 5 } };

describe("a student of adapters as a folder for diffusers", () => {
  it.each(cases)("%s: diffusers opens it and draws the same latents", async (name, sigma, told) => {
    const choice = { resolution: 16, ...choices[name] };
    const { folder } = await adaptersOn(pipelinePath(name), name, sigma, choice);
    const { out } = await exported(folder, name);
    for (const [file, text] of Object.entries(written[name]!))
      expect(readFileSync(join(out, file), "utf8"), file).toBe(text);
    const clip = name === "wan" ? choices[name] : {};
    const drawn = await picture(out, sigma, value(`${name}/z`), told, clip);
    // Diffusers finds a step's sigma between two whole steps on a line, we on a line in ln sigma.
    expect(relativeError(drawn, value(`${name}/picture`))).toBeLessThan(
      ["sd3", "wan"].includes(name) ? 1e-5 : 1e-3,
    );
    const plain = await picture(pipelinePath(name), sigma, value(`${name}/z`), told, clip);
    expect(relativeError(plain, value(`${name}/picture`))).toBeGreaterThan(1e-2);
  });
});

describe("other models as a folder for diffusers", () => {
  it("a student whose whole weights were trained, in half precision, at another size", async () => {
    const prompts = ["a cat"];
    const pipeline = { resolution: 32 };
    const model = await openModel(pipelinePath("sd"), { device: "cpu", weightsOnly: true, pipeline });
    const folder = join(place, "whole-student");
    noGrad(() => model.module.parameters()[0]!.add_(1));
    model.save(folder, model.module);
    writeTextEncoder(folder, { pipeline: pipelinePath("sd"), choice: pipeline, prompts });
    writeStudentFile(folder, { kind: "denoiser", sigmaInit: 2.5, laterSigmas: [0.5] });
    const { out, report } = await exported(folder, "whole", { precision: "f16" });
    expect(new Map(report.facts).get("scheduler")).toBe("LCMScheduler");
    const config = JSON.parse(readFileSync(join(out, "unet/config.json"), "utf8")) as object;
    expect(config).toMatchObject({ sample_size: 16 });
    expect(readFileSync(join(out, "README.md"), "utf8")).toContain("timesteps=[625, 169], guidance_scale=1");
    const { tensors } = readSafetensors(join(out, "unet/diffusion_pytorch_model.safetensors"));
    expect(new Set([...tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(["float16"]));
    const first = [...model.module.stateDict()][0]!;
    expect(relativeError(tensors.get(first[0].replace("model.", ""))!, first[1])).toBeLessThan(1e-3);
  });

  it("a pipeline with LoRAs of others has them in its network and text encoder", async () => {
    const file = join(place, "style.safetensors");
    const layer = "text_encoder.text_model.encoder.layers.0.self_attn.q_proj";
    const factor = (shape: number[]) => randn(shape, { generator: new Generator(1) });
    const given = { [`${layer}.lora_A.weight`]: factor([2, 8]), [`${layer}.lora_B.weight`]: factor([8, 2]) };
    writeSafetensors(file, new Map(Object.entries(given)));
    const loras = [{ path: file, weight: 1 }];
    const { out } = await exported(pipelinePath("sd"), "merged", { pipeline: { loras } });
    expect(existsSync(join(out, "README.md"))).toBe(false);
    expect(existsSync(join(out, "text_encoder/pytorch_model.bin"))).toBe(false);
    const [merged, wanted, plain] = await Promise.all(
      [
        openTextToImagePipeline(out),
        openTextToImagePipeline(pipelinePath("sd"), { loras }),
        openTextToImagePipeline(pipelinePath("sd")),
      ].map(async (pipeline) => (await (await pipeline).openPrompts()).encode(["a cat"]).condition.text),
    );
    expect(relativeError(merged!, wanted!)).toBe(0);
    expect(relativeError(plain!, wanted!)).toBeGreaterThan(1e-3);
  });
});

describe("what cannot be written is one line, and leaves nothing", () => {
  const refused = async (source: string, problem: string, more: Partial<ExportOptions> = {}) => {
    await expect(exported(source, "refused", more)).rejects.toThrow(problem);
    expect(existsSync(join(place, "refused"))).toBe(false);
  };

  it("a base in one file", async () => {
    const file = writeSingleFile(join(place, "sd15.safetensors"));
    const choice = { resolution: 16, tokenizer: tokenizerPath };
    const { folder } = await adaptersOn(file, "single", 2.5, choice);
    await refused(
      folder,
      "sd15.safetensors is one file, so there are no folders of tokenizer, text encoder and autoencoder to copy; use --format lora",
    );
  });

  it("a part that is gone, and int8", async () => {
    const base = join(place, "base");
    cpSync(pipelinePath("sd"), base, { recursive: true });
    rmSync(join(base, "tokenizer"), { recursive: true });
    await refused(base, 'tokenizer: no such folder, but model_index.json names "tokenizer"');
    await refused(pipelinePath("sd"), "--precision int8: a folder for diffusers is f32 or f16", {
      precision: "int8",
    });
  });

  it("a network of other sizes", async () => {
    const { config } = await openModel(pipelinePath("sd3"), { device: "cpu", weightsOnly: true });
    if (config?.network !== "sd3") throw new Error("not SD3");
    const other = { ...config, layers: 1 };
    const folder = join(place, "other");
    saveModel(folder, createDenoiser(other), other);
    writeTextEncoder(folder, { pipeline: pipelinePath("sd3"), choice: {}, prompts: [] });
    await refused(folder, "the model's network has other sizes than");
  });
});
