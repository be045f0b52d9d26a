import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, inferenceMode, noGrad, randn } from "@disback/torch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CachedPrompts } from "../../src/distill/cached-prompts.js";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { distill } from "../../src/distill/distill.js";
import { encoderKey } from "../../src/import/pipeline/encoder-key.js";
import { pipelineDenoiser } from "../../src/import/pipeline/pipeline-denoiser.js";
import { openTextToImagePipeline } from "../../src/import/pipeline/text-to-image-pipeline.js";
import { guided } from "../../src/models/guided-denoiser.js";
import { PromptCache } from "../../src/text/prompts/prompt-cache.js";
import type { PromptEncoder } from "../../src/text/prompts/prompt-encoder.js";
import { sdxlSizes } from "../../src/text/prompts/stable-diffusion-xl.js";
import { relativeError } from "../models/fixtures.js";
import { copyOf, pipelinePath, prompts, reference } from "./fixtures.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-prompts-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const files = () =>
  (readdirSync(folder, { recursive: true }) as string[]).filter((name) => name.endsWith(".safetensors"));

/** A pipeline's encoder that counts what is asked of it. */
async function watched(name: string) {
  const pipeline = await openTextToImagePipeline(pipelinePath(name));
  const seen = { opened: 0, released: 0, texts: [] as string[] };
  const open = async (): Promise<PromptEncoder> => {
    const encoder = await pipeline.openPrompts();
    seen.opened++;
    return {
      encode: (texts) => {
        seen.texts.push(...texts);
        return encoder.encode(texts);
      },
      none: (count) => encoder.none(count),
      dispose: () => {
        seen.released++;
        encoder.dispose();
      },
    };
  };
  return { pipeline, seen, options: { folder, encoder: encoderKey(pipelinePath(name)), open } };
}

describe("conditions of prompts on disk", () => {
  it.each([
    ["sd", 1e-4],
    ["sdxl", 2e-3],
  ])("%s: are diffusers' own, and computed once", async (name, limit) => {
    const { seen, options } = await watched(name);
    const notices: string[] = [];
    const cache = await PromptCache.fill(prompts, {
      ...{ ...options, batchSize: 1 },
      onNotice: (line) => notices.push(line),
    });
    expect(seen).toEqual({ opened: 1, released: 1, texts: prompts });
    expect(notices.length).toBe(1);
    // The second one is stored, and computed, in half precision.
    const expected = reference(name)("text");
    for (const [row, prompt] of prompts.entries()) {
      const { text } = cache.read(prompt);
      expect(relativeError(text, expected.narrow(0, row, 1))).toBeLessThan(limit);
    }
    // Nothing is missing: the encoders stay closed.
    await PromptCache.fill([...prompts].reverse(), options);
    expect(seen.opened).toBe(1);
    // One file is: as after a run that was stopped.
    rmSync(join(folder, files()[0]!));
    await PromptCache.fill([...prompts, "a dog"], options);
    expect(seen.opened).toBe(2);
    expect(seen.texts.length).toBeLessThanOrEqual(prompts.length + 2);
    // Another encoder's prompts are others.
    await PromptCache.fill(prompts, { ...options, encoder: "another" });
    expect(seen.opened).toBe(3);
  });

  it("tells damaged files, and that there are no prompts", async () => {
    const { options } = await watched("sd");
    const cache = await PromptCache.fill(["a cat"], options);
    for (const name of files()) writeFileSync(join(folder, name), "not a file of tensors");
    expect(() => cache.read("a cat")).toThrow(/[0-9a-f]{64}\.safetensors/);
    await expect(PromptCache.fill([], options)).rejects.toThrow("prompts: there is none");
  });

  it("an encoder's key follows its files", () => {
    const copy = copyOf("sd");
    const before = encoderKey(copy);
    utimesSync(join(copy, "tokenizer", "vocab.json"), 1, 1);
    expect(encoderKey(copy)).toBe(before);
    expect(encoderKey(copy, { longPrompt: 30 })).not.toBe(before);
    writeFileSync(join(copy, "tokenizer", "vocab.json"), "{}");
    expect(encoderKey(copy)).not.toBe(before);
  });
});

describe("a student of a text-to-image pipeline", () => {
  it("is distilled from cached prompts, guided away from no prompt", async () => {
    const { pipeline, options } = await watched("sd");
    const cache = await PromptCache.fill(prompts, options);
    pipeline.network.module.to({ dtype: "float32" });
    const teacher = pipelineDenoiser(pipeline, { textLength: 20 });
    const source = new CachedPrompts(cache, prompts, teacher.facts.condition);
    const { condition, sampleShape } = { ...teacher.facts, condition: source.rows([prompts[0]!]) };
    const negative = source.rows([null]);
    const x = randn([1, ...sampleShape], { generator: new Generator(1) });
    const sigma = randn([1]).abs().add(1);
    const towards = noGrad(() => teacher.denoise(x, sigma, condition));
    const from = noGrad(() => teacher.denoise(x, sigma, negative));
    const far = noGrad(() => guided(teacher, 3, { negative }).denoise(x, sigma, condition));
    expect(relativeError(far, from.add(towards.sub(from).mul(3)))).toBeLessThan(1e-5);

    const student = new DenoiserStudent(teacher.clone(), { sigmaInit: 5, conditions: source });
    const { student: made } = await distill({
      ...{ teacher, student, method: "plain" },
      backtracking: { iterations: 2, batchSize: 2, guidance: 3, guidanceOptions: { negative } },
      execution: { seed: 1 },
    });
    const latents = made.latents(1, new Generator(2));
    const drawn = inferenceMode(() => made.generate(latents, condition));
    expect(drawn.isfinite().all().item()).toBe(1);
    expect(
      relativeError(
        drawn,
        inferenceMode(() => made.generate(latents, negative)),
      ),
    ).toBeGreaterThan(0);
  }, 60_000);

  it("needs conditions that fit", async () => {
    const { options } = await watched("sdxl");
    const cache = await PromptCache.fill(["a cat"], options);
    const make = (shapes: Record<string, number[]>, sizes = {}) =>
      new CachedPrompts(cache, ["a cat"], shapes, sizes);
    const [, , channels] = cache.read("a cat").text.shape as [number, number, number];
    const { shape: pooled } = cache.read("a cat").pooled!;
    const shapes = { text: [77, channels], pooled: pooled.slice(1), sizes: [6] };
    expect(() => make(shapes)).toThrow('prompts: the student is told "sizes", which these do not have');
    expect(make(shapes, { sizes: sdxlSizes(1, 64, 64) }).rows([null, "a cat"]).sizes!.shape).toEqual([2, 6]);
    expect(() => make({ text: [20, 7] })).toThrow(
      /prompts: their text is \[\d+, \d+\], the student's \[20, 7\]/,
    );
  });
});
