/// <reference lib="dom" />
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, inferenceMode, randn } from "@disback/torch";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requireBrowser } from "../../../test-support/browser.js";
import { toUint8Images } from "../../disback/src/data/output/uint8-images.js";
import { exportableModel } from "../../disback/src/export/exportable.js";
import { web } from "../../disback/src/export/web.js";
import {
  createDenoiser,
  type DenoiserConfigInput,
  parseDenoiserConfig,
} from "../../disback/src/models/config.js";
import { studentDrawer } from "../../disback/src/runs/sample-drawer.js";
import { serve } from "./static-server.js";

const config: DenoiserConfigInput = {
  network: "song-unet",
  imageResolution: 8,
  imageChannels: 3,
  modelChannels: 8,
  channelMultipliers: [1, 2],
  blocksPerResolution: 1,
  attentionResolutions: [4],
  labelDim: 3,
};
const denoiser = createDenoiser(config, { generator: new Generator(1) }).eval();
const student = exportableModel(
  { module: denoiser, facts: denoiser.facts, config: parseDenoiserConfig(config) },
  { kind: "denoiser", sigmaInit: 2.5, laterSigmas: [] },
);
const folder = mkdtempSync(join(tmpdir(), "disback-web-"));
let server: Server;
let address: string;
let browser: Browser;

beforeAll(async () => {
  inferenceMode(() => {
    for (const weight of denoiser.parameters()) weight.add_(randn(weight.shape).mul(0.05));
  });
  await web.write(student, join(folder, "site"), { precision: "f32", threads: 1 });
  ({ server, address } = await serve(join(folder, "site")));
  browser = await chromium.launch({ executablePath: requireBrowser(), args: ["--no-sandbox"] });
}, 300_000);

afterAll(async () => {
  await browser?.close();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The page at an address, with what it asked for and what it complained about. */
async function open(query = ""): Promise<{ page: Page; requests: string[]; errors: string[] }> {
  const page = await browser.newPage();
  const requests: string[] = [];
  const errors: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(address + query);
  return { page, requests, errors };
}

/** Red, green and blue of the images on the canvas, one after the other, once it shows a seed. */
async function shown(page: Page, seed: number): Promise<number[]> {
  await page.waitForFunction(
    (wanted) => document.querySelector("canvas")!.dataset.seed === wanted,
    String(seed),
    {
      timeout: 120_000,
    },
  );
  return page.evaluate(() => {
    const canvas = document.querySelector("canvas")!;
    const columns = canvas.width / 8;
    const values: number[] = [];
    for (let image = 0; image < columns * (canvas.height / 8); image++) {
      const [x, y] = [(image % columns) * 8, Math.floor(image / columns) * 8];
      const { data } = canvas.getContext("2d")!.getImageData(x, y, 8, 8);
      for (let pixel = 0; pixel < data.length; pixel += 4)
        values.push(data[pixel]!, data[pixel + 1]!, data[pixel + 2]!);
    }
    return values;
  });
}

function expected(seed: number, count: number, label?: number): Uint8Array {
  const drawer = studentDrawer(student.student!, { seed, device: "cpu", label });
  return toUint8Images(drawer.draw(count).samples).data;
}

function expectEqual(pixels: number[], reference: Uint8Array): void {
  expect(pixels.length).toBe(reference.length);
  const largest = pixels.reduce(
    (most, value, index) => Math.max(most, Math.abs(value - reference[index]!)),
    0,
  );
  expect(largest).toBeLessThanOrEqual(1);
}

test("the page generates libtorch's pixels, asks nobody else, and follows keys, seed and class", async () => {
  const { page, requests, errors } = await open("?backend=wasm");
  expectEqual(await shown(page, 0), expected(0, 16));
  expect(await page.textContent("#facts")).toMatch(
    /8×8 pixels · 3 classes · one pass per sample · f32 · WebAssembly/,
  );
  expect(await page.textContent("#speed")).toMatch(/^[\d.]+ samples\/s$/);

  await page.keyboard.press("g");
  expectEqual(await shown(page, 1), expected(1, 16));
  await page.click("#class-list label:has(input[value='2'])");
  await page.fill("#seed", "7");
  await page.selectOption("#count", "4");
  await expect.poll(() => shown(page, 7).then((pixels) => pixels.length)).toBe(4 * 8 * 8 * 3);
  expectEqual(await shown(page, 7), expected(7, 4, 2));

  await page.keyboard.press("c");
  expect(await page.getAttribute("#continuous", "aria-pressed")).toBe("true");
  await page.waitForFunction(() => Number(document.querySelector<HTMLInputElement>("#seed")!.value) > 8);
  await page.keyboard.press("c");
  expect(requests.filter((url) => !url.startsWith(address) && !url.startsWith("data:"))).toEqual([]);
  expect(errors).toEqual([]);
  await page.close();
}, 300_000);

test("halfway between seeds the latents are on the sphere, and the start is the seed's own", async () => {
  const { page } = await open("?backend=wasm");
  const start = await shown(page, 0);
  await page.fill("#position", "50");
  await expect.poll(() => shown(page, 0).then((pixels) => pixels.join() === start.join())).toBe(false);
  expect(await page.textContent("#position-shown")).toBe("50 %");
  await page.fill("#position", "0");
  await expect.poll(() => shown(page, 0).then((pixels) => pixels.join() === start.join())).toBe(true);
  await page.close();
}, 300_000);

test("a model that cannot be opened is told on the page", async () => {
  const { page } = await open("?backend=wasm");
  await page.route("**/model.onnx", (route) => route.fulfill({ body: "not a model" }));
  await page.reload();
  await page.waitForSelector("#problem:not([hidden])");
  expect(await page.textContent("#problem")).toContain("model.onnx: not an ONNX file");
  await page.close();
}, 300_000);
