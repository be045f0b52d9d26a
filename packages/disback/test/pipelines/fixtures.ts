import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { full, Generator, randn, readSafetensors, type Tensor, writeSafetensors } from "@disback/torch";
import { afterEach } from "vitest";

/** Path of a file or folder made by a script in fixtures/pipelines. */
export const pipelinePath = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/pipelines/${name}`, import.meta.url));

/** The prompts that the values are of. */
export const prompts = ["a photo of a cat", "ΟΔΟΣ 龍 😀, trending on artstation ".repeat(4)];

/** What the original gives for a pipeline. */
export function reference(name: string): (key: string) => Tensor {
  const { tensors } = readSafetensors(pipelinePath(`${name}.safetensors`));
  return (key) => tensors.get(key)!;
}

/** Makes a folder of Flux whose autoencoder is SD3's, with a shift; the committed one has TAESD. */
export function makeFlux(folder: string): string {
  cpSync(pipelinePath("flux"), folder, { recursive: true });
  rmSync(join(folder, "vae"), { recursive: true });
  cpSync(join(pipelinePath("sd3"), "vae"), join(folder, "vae"), { recursive: true });
  const index = join(folder, "model_index.json");
  const parts = JSON.parse(readFileSync(index, "utf8")) as object;
  writeFileSync(index, JSON.stringify({ ...parts, vae: ["diffusers", "AutoencoderKL"] }));
  return folder;
}

/** Tokenizer of the committed CLIPs: 810 tokens. */
export const tokenizerPath = fileURLToPath(new URL("../fixtures/text/clip", import.meta.url));

/**
 * Stable Diffusion 1 in its original layout, tiny, with random weights and the tokenizer's 810 tokens.
 * @param options.textChannels that the network takes; the encoder gives 64
 */
export function writeSingleFile(path: string, { textChannels = 64 } = {}): string {
  const layouts = JSON.parse(readFileSync(pipelinePath("single-files.json"), "utf8")) as {
    sd1: { keys: Record<string, number[]> };
  };
  const generator = new Generator(0);
  const random = (shape: number[]) => randn(shape, { generator }).mul(0.05);
  const tensors = Object.entries(layouts.sd1.keys).map(([key, shape]): [string, Tensor] => {
    if (shape.length === 1) return [key, full(shape, key.endsWith("weight") ? 1 : 0)];
    if (key.endsWith("token_embedding.weight")) return [key, random([810, shape[1]!])];
    return [key, random(/attn2\.to_[kv]/.test(key) ? [shape[0]!, textChannels] : shape)];
  });
  writeSafetensors(path, new Map(tensors));
  return path;
}

const places: string[] = [];
afterEach(() => {
  for (const place of places.splice(0)) rmSync(place, { recursive: true });
});

/** A copy of a pipeline's folder that a test may spoil. */
export function copyOf(name: string): string {
  const place = mkdtempSync(join(tmpdir(), "disback-pipeline-"));
  places.push(place);
  cpSync(pipelinePath(name), place, { recursive: true });
  return place;
}
