/// <reference lib="dom" />
import { Generator, inferenceMode, randn } from "@disback/torch";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { toUint8Images } from "../../disback/src/data/output/uint8-images.js";
import { exportableModel } from "../../disback/src/export/exportable.js";
import { web } from "../../disback/src/export/web.js";
import {
  createDenoiser,
  type DenoiserConfigInput,
  parseDenoiserConfig,
} from "../../disback/src/models/config.js";
import { studentDrawer } from "../../disback/src/runs/sample-drawer.js";
import { openedSite } from "./opened-site.js";

const config: DenoiserConfigInput = {
  network: "text-unet",
  imageResolution: 8,
  imageChannels: 3,
  blockChannels: [8, 16],
  attentionResolutions: [2],
  normalizationGroups: 4,
  vocabulary: ["cat", "dog", "red", "##s"],
  textLength: 5,
  textChannels: 8,
  prompts: ["cat", "red dogs"],
};
const denoiser = createDenoiser(config, { generator: new Generator(1) }).eval();
const student = exportableModel(
  { module: denoiser, facts: denoiser.facts, config: parseDenoiserConfig(config) },
  { kind: "denoiser", sigmaInit: 2.5, laterSigmas: [] },
);
const site = openedSite(async (folder) => {
  const drawn = new Generator(5);
  inferenceMode(() => {
    for (const weight of denoiser.parameters())
      weight.add_(randn(weight.shape, { generator: drawn }).mul(0.1));
  });
  await web.write(student, folder, { precision: "f32", threads: 1 });
});

/** Red, green and blue of the one image on the canvas, once it shows a prompt. */
async function pixelsOf(page: Page, prompt: string): Promise<number[]> {
  await page.waitForFunction(
    (wanted) => document.querySelector("canvas")!.dataset.prompt === wanted,
    prompt,
    { timeout: 120_000 },
  );
  return page.evaluate(() => {
    const { data } = document.querySelector("canvas")!.getContext("2d")!.getImageData(0, 0, 8, 8);
    return [...data].filter((_, index) => index % 4 !== 3);
  });
}

function expected(prompt: string): number[] {
  const drawer = studentDrawer(student.student!, { seed: 3, device: "cpu", prompts: [prompt] });
  return [...toUint8Images(drawer.draw(1).samples).data];
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, index) => Math.max(most, Math.abs(value - b[index]!)), 0);
}

test("the page draws what is typed, with libtorch's pixels, and tells what it does not read", async () => {
  const page = await site.browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(`${site.address}?backend=wasm#seed=3&count=1`);
  expect(largestDifference(await pixelsOf(page, "cat"), expected("cat"))).toBeLessThanOrEqual(1);
  expect(await page.textContent("#facts")).toContain("draws what you type");
  // Letters are typed into the field, and are no keys of the page.
  await page.fill("#prompt", "");
  await page.locator("#prompt").pressSequentially("red dog");
  expect(largestDifference(await pixelsOf(page, "red dog"), expected("red dog"))).toBeLessThanOrEqual(1);
  expect(await page.inputValue("#seed")).toBe("3");
  expect(largestDifference(expected("red dog"), expected("cat"))).toBeGreaterThan(1);
  expect(await page.textContent("#unread")).toBe("");
  await expect.poll(() => page.evaluate("location.hash")).toBe("#seed=3&count=1&prompt=red+dog");

  const said = () => page.textContent("#unread");
  await page.fill("#prompt", "red zebra");
  await expect.poll(said).toBe('prompt: this model knows nothing of "zebra"');
  expect(await pixelsOf(page, "red zebra")).toEqual(
    await (async () => {
      await page.fill("#prompt", "red");
      return pixelsOf(page, "red");
    })(),
  );
  await page.fill("#prompt", "cat ".repeat(2500));
  await expect.poll(said).toBe("prompt: only its first 5 pieces of words are read, not the 2495 behind");
  for (const [prompt, problem] of [
    ["", "prompt: is empty"],
    ["猫", 'prompt: this model knows nothing in "猫": it reads English words'],
  ] as const) {
    await page.fill("#prompt", prompt);
    await expect.poll(said).toBe(problem);
  }
  await page.fill("#prompt", "dogs");
  expect(largestDifference(await pixelsOf(page, "dogs"), expected("dogs"))).toBeLessThanOrEqual(1);
  expect(errors).toEqual([]);
  await page.close();
}, 300_000);

test("the page fits a phone", async () => {
  const page = await site.browser.newPage({ viewport: { width: 360, height: 740 } });
  await page.goto(`${site.address}?backend=wasm#seed=3&count=1&prompt=dogs`);
  await pixelsOf(page, "dogs");
  const width = await page.evaluate("document.documentElement.scrollWidth");
  expect(width).toBeLessThanOrEqual(360);
  const field = await page.locator("#prompt").boundingBox();
  expect(field!.width).toBeGreaterThan(200);
  await page.close();
}, 300_000);
