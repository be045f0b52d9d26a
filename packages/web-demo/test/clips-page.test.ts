/// <reference lib="dom" />
import { Generator, inferenceMode, randn } from "@disback/torch";
import { expect, test } from "vitest";
import { exportableModel } from "../../disback/src/export/exportable.js";
import { web } from "../../disback/src/export/web.js";
import {
  createDenoiser,
  type DenoiserConfigInput,
  parseDenoiserConfig,
} from "../../disback/src/models/config.js";
import { openedSite } from "./opened-site.js";

const config: DenoiserConfigInput = {
  network: "video-dit",
  frames: 4,
  framesPerPatch: 2,
  imageResolution: 8,
  imageChannels: 1,
  patchSize: 4,
  layers: 2,
  heads: 2,
  channelsPerHead: 4,
  labelDim: 3,
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

test("clips move on the page, four frames of each", async () => {
  const page = await site.browser.newPage();
  await page.goto(`${site.address}?backend=wasm`);
  await page.waitForFunction(() => document.querySelector<HTMLCanvasElement>("#samples")?.dataset.seed);
  expect(await page.textContent("#facts")).toContain("4 frames of 8×8 pixels · 3 classes");
  const seen = new Set<string>();
  for (let look = 0; look < 40 && seen.size < 4; look++) {
    seen.add(await page.$eval("#samples", (canvas) => (canvas as HTMLCanvasElement).toDataURL()));
    await page.waitForTimeout(50);
  }
  expect(seen.size).toBe(4);
  await page.close();
}, 60_000);
