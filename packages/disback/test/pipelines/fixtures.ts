import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSafetensors, type Tensor } from "@disback/torch";
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
