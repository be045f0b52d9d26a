import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, noGrad, readSafetensors, tensor } from "@disback/torch";
import { afterAll, expect, it } from "vitest";
import { DenoiserStudent } from "../../../src/distill/denoiser-student.js";
import { diffusersFile, kohyaFile } from "../../../src/export/lora/instructions.js";
import { writeLora } from "../../../src/export/lora/write-lora.js";
import { lora } from "../../../src/export/lora.js";
import { pipelineDenoiser } from "../../../src/import/pipeline/pipeline-denoiser.js";
import { openTextToImagePipeline } from "../../../src/import/pipeline/text-to-image-pipeline.js";
import { LowRankDenoiser } from "../../../src/models/adapters/low-rank-denoiser.js";
import type { Condition } from "../../../src/models/condition.js";
import { createDenoiser } from "../../../src/models/config.js";
import { relativeError } from "../../models/fixtures.js";
import { pipelinePath, reference } from "../../pipelines/fixtures.js";

const value = reference("lora-export");
const place = mkdtempSync(join(tmpdir(), "disback-lora-export-"));
afterAll(() => rmSync(place, { recursive: true }));

/** The student that the committed folder was written from. */
async function student(name: "sd" | "sd3" | "flux" | "wan", sigmaInit: number): Promise<DenoiserStudent> {
  const teacher = pipelineDenoiser(await openTextToImagePipeline(pipelinePath(name)), {
    size: name === "wan" ? [2, 4, 4] : [8, 8],
  });
  teacher.to({ dtype: "float32" });
  const adapters = new LowRankDenoiser(teacher, { rank: 2, generator: new Generator(1) });
  const { tensors } = readSafetensors(join(pipelinePath("lora-export"), name, diffusersFile));
  const part = name === "sd" ? "unet" : "transformer";
  noGrad(() => {
    for (const [key, { up, down }] of Object.entries(adapters.adapters)) {
      const layer = `${part}.${key.replace(/^model\./, "")}`;
      down.copy_(tensors.get(`${layer}.lora_A.weight`)!.flatten(1));
      up.copy_(tensors.get(`${layer}.lora_B.weight`)!.flatten(1));
    }
  });
  return new DenoiserStudent(adapters, { sigmaInit, conditions: { draw: () => undefined } });
}

const cases = [
  ["sd", 2.5, "sd", "plain", "z", { text: value("text") }],
  ["sd", 2.5, "kohya", "plain", "z", { text: value("text") }],
  [
    ...(["sd3", 4, "sd3", "sd3_plain", "noise"] as const),
    { text: reference("sd3")("text"), pooled: reference("sd3")("pooled") },
  ],
  [
    ...(["flux", 4, "flux", "flux_plain", "flux_noise"] as const),
    { text: reference("flux")("text"), pooled: reference("flux")("pooled"), guidance: tensor([2]) },
  ],
  [...(["wan", 4, "wan", "wan_plain", "wan_noise"] as const), { text: reference("wan")("text") }],
] as const satisfies [string, number, string, string, string, Condition][];

it.each(cases)(
  "%s: diffusers draws the same picture with our file (%#)",
  async (name, sigma, with_, without, z, told) => {
    const picture = (await student(name, sigma)).generate(value(z), told);
    // Diffusers finds a step's sigma between two whole steps on a line, we on a line in ln sigma.
    expect(relativeError(picture, value(with_))).toBeLessThan(name === "sd" ? 1e-3 : 1e-5);
    expect(relativeError(value(without), value(with_))).toBeGreaterThan(1e-2);
  },
);

it.each(["sd", "sd3", "flux", "wan"] as const)(
  "%s: the files that diffusers was given are those that we write",
  async (name) => {
    const of = await student(name, name === "sd" ? 2.5 : 4);
    const folder = join(place, name);
    const told = name === "flux" ? { embeddedGuidance: 2 } : {};
    writeLora(folder, of.module as LowRankDenoiser, { student: of, ...told });
    for (const file of [diffusersFile, ...(name === "sd" ? [kohyaFile] : []), "README.md"])
      expect(
        readFileSync(join(folder, file)).equals(readFileSync(join(pipelinePath("lora-export"), name, file))),
        file,
      ).toBe(true);
  },
);

it("float16 halves the file", async () => {
  const of = await student("sd", 2.5);
  const adapters = of.module as LowRankDenoiser;
  const { bytes } = writeLora(join(place, "half"), adapters, { precision: "f16" });
  const whole = writeLora(join(place, "whole"), adapters).bytes;
  expect(bytes / whole).toBeLessThan(0.75);
  const { tensors } = readSafetensors(join(place, "half", diffusersFile));
  expect(new Set([...tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(["float16"]));
});

it("models that other tools cannot load with adapters are refused", () => {
  const own = createDenoiser({ network: "mlp", dimension: 2, hiddenChannels: 8, blocks: 1 });
  const write = (module: typeof own | LowRankDenoiser) =>
    lora.write({ module, facts: module.facts }, join(place, "refused"), { precision: "f32" });
  expect(() => write(own)).toThrow("train with --rank");
  const adapters = new LowRankDenoiser(own, { generator: new Generator(0) });
  expect(() => write(adapters)).toThrow("only for networks of diffusers");
});
