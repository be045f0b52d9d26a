/// <reference lib="dom" />
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Generator, inferenceMode, randn } from "@disback/torch";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { toUint8Images } from "../../disback/src/data/output/uint8-images.js";
import { exportableModel, type ShownFacts } from "../../disback/src/export/exportable.js";
import { web } from "../../disback/src/export/web.js";
import {
  createDenoiser,
  type DenoiserConfigInput,
  parseDenoiserConfig,
} from "../../disback/src/models/config.js";
import { studentDrawer, teacherDrawer } from "../../disback/src/runs/sample-drawer.js";
import { openedSite } from "./opened-site.js";

const config: DenoiserConfigInput = {
  network: "song-unet",
  imageResolution: 8,
  imageChannels: 3,
  modelChannels: 8,
  channelMultipliers: [1, 2],
  blocksPerResolution: 1,
  attentionResolutions: [4],
  labelDim: 3,
  classNames: ["shirt", "sneaker", "bag"],
};
const denoiser = createDenoiser(config, { generator: new Generator(1) }).eval();
const student = exportableModel(
  { module: denoiser, facts: denoiser.facts, config: parseDenoiserConfig(config) },
  { kind: "denoiser", sigmaInit: 2.5, laterSigmas: [] },
);
const teacherConfig: DenoiserConfigInput = { ...config, modelChannels: 12 };
const teacher = createDenoiser(teacherConfig, { generator: new Generator(2) }).eval();
const STEPS = 3;
const shown: ShownFacts = {
  name: "Small things, 8×8",
  teacher: {
    model: exportableModel({
      module: teacher,
      facts: teacher.facts,
      config: parseDenoiserConfig(teacherConfig),
    }),
    steps: STEPS,
  },
};
const site = openedSite(async (folder) => {
  const drawn = new Generator(5);
  inferenceMode(() => {
    for (const model of [denoiser, teacher])
      for (const weight of model.parameters())
        weight.add_(randn(weight.shape, { generator: drawn }).mul(0.05));
  });
  await web.write({ ...student, shown }, folder, { precision: "f32", threads: 1 });
});

/** The page at an address, with what it asked for and what it complained about. */
async function open(query = ""): Promise<{ page: Page; requests: string[]; errors: string[] }> {
  const page = await site.browser.newPage();
  const requests: string[] = [];
  const errors: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto(site.address + query);
  return { page, requests, errors };
}

/** Red, green and blue of the images on the canvas, one after the other, once it shows a seed. */
async function pixelsOf(page: Page, seed: number): Promise<number[]> {
  await page.waitForFunction(
    (wanted) => document.querySelector("canvas")!.dataset.seed === wanted,
    String(seed),
    {
      timeout: 120_000,
    },
  );
  return imagesOn(page, "samples");
}

function imagesOn(page: Page, canvasId: string): Promise<number[]> {
  return page.evaluate((id) => {
    const canvas = document.getElementById(id) as HTMLCanvasElement;
    const columns = canvas.width / 8;
    const values: number[] = [];
    for (let image = 0; image < columns * (canvas.height / 8); image++) {
      const [x, y] = [(image % columns) * 8, Math.floor(image / columns) * 8];
      const { data } = canvas.getContext("2d")!.getImageData(x, y, 8, 8);
      for (let pixel = 0; pixel < data.length; pixel += 4)
        values.push(data[pixel]!, data[pixel + 1]!, data[pixel + 2]!);
    }
    return values;
  }, canvasId);
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
  expectEqual(await pixelsOf(page, 0), expected(0, 16));
  expect(await page.textContent("#facts")).toMatch(
    /8×8 pixels · 3 classes · one pass per sample · f32 · WebAssembly · [\d.]+ MB loaded$/,
  );
  expect(await page.textContent("#speed")).toMatch(/^[\d.]+ samples\/s$/);
  expect(await page.textContent("h1")).toBe("Small things, 8×8");
  expect(await page.title()).toBe("Small things, 8×8");
  expect(await page.locator("#class-list").textContent()).toBe("allshirtsneakerbag");

  await page.keyboard.press("g");
  expectEqual(await pixelsOf(page, 1), expected(1, 16));
  await page.click("#class-list label:has(input[value='2'])");
  await page.fill("#seed", "7");
  await page.selectOption("#count", "4");
  await expect.poll(() => pixelsOf(page, 7).then((pixels) => pixels.length)).toBe(4 * 8 * 8 * 3);
  expectEqual(await pixelsOf(page, 7), expected(7, 4, 2));

  await page.keyboard.press("c");
  expect(await page.getAttribute("#continuous", "aria-pressed")).toBe("true");
  await page.waitForFunction(() => Number(document.querySelector<HTMLInputElement>("#seed")!.value) > 8);
  await page.keyboard.press("c");
  expect(requests.filter((url) => !url.startsWith(site.address) && !url.startsWith("data:"))).toEqual([]);
  expect(errors).toEqual([]);
  await page.close();
}, 300_000);

test("halfway between seeds the latents are on the sphere, and the start is the seed's own", async () => {
  const { page } = await open("?backend=wasm");
  const start = await pixelsOf(page, 0);
  await page.fill("#position", "50");
  await expect.poll(() => pixelsOf(page, 0).then((pixels) => pixels.join() === start.join())).toBe(false);
  expect(await page.textContent("#position-shown")).toBe("50 %");
  await page.fill("#position", "0");
  await expect.poll(() => pixelsOf(page, 0).then((pixels) => pixels.join() === start.join())).toBe(true);
  await page.close();
}, 300_000);

test("the teacher draws from the same noise in a race, evaluation by evaluation, as libtorch does", async () => {
  const { page, errors } = await open("?backend=wasm#seed=5&count=4&class=1");
  expectEqual(await pixelsOf(page, 5), expected(5, 4, 1));
  await page.keyboard.press("r");
  await page.getByText(/The student is [\d.]+ times as fast/).waitFor({ timeout: 120_000 });
  const drawer = teacherDrawer(teacher, {
    ...{ seed: 5, device: "cpu", label: 1, steps: STEPS },
    ...{ sampler: "heun", sigmaMin: 0.002, sigmaMax: 80, rho: 7 },
  });
  expectEqual(await imagesOn(page, "teacher-samples"), toUint8Images(drawer.draw(4).samples).data);
  expectEqual(await imagesOn(page, "samples"), expected(5, 4, 1));
  expect(await page.textContent("#student-evaluations")).toBe("1 evaluation");
  expect(await page.textContent("#teacher-evaluations")).toBe("5 evaluations");
  for (const who of ["student", "teacher"])
    expect(await page.textContent(`#${who}-clock`)).toMatch(/^[\d.,]+ ms$/);
  // Continuous drawing gives way to a race, which takes the seed that it came to.
  await page.keyboard.press("c");
  await page.waitForFunction(() => Number(document.querySelector<HTMLInputElement>("#seed")!.value) > 5);
  await page.keyboard.press("r");
  await page.getByText(/The student is [\d.]+ times as fast/).waitFor({ timeout: 120_000 });
  expect(await page.getAttribute("#continuous", "aria-pressed")).toBe("false");
  const came = Number(await page.inputValue("#seed"));
  expectEqual(await imagesOn(page, "samples"), expected(came, 4, 1));
  // The next samples end the race.
  await page.keyboard.press("g");
  await pixelsOf(page, came + 1);
  expect(await page.locator("#teacher-samples").isVisible()).toBe(false);
  expect(errors).toEqual([]);
  await page.close();
}, 300_000);

test("the address carries what is shown, and opens it", async () => {
  const { page } = await open("?backend=wasm");
  await pixelsOf(page, 0);
  await page.fill("#seed", "7");
  await page.selectOption("#count", "4");
  await page.click("#class-list label:has(input[value='2'])");
  await expect.poll(() => page.evaluate("location.hash")).toBe("#seed=7&count=4&class=2");
  const { page: other } = await open(new URL(page.url()).search + new URL(page.url()).hash);
  expectEqual(await pixelsOf(other, 7), expected(7, 4, 2));
  await other.evaluate("location.hash = '#seed=8&count=9'");
  expectEqual(await pixelsOf(other, 8), expected(8, 9));
  // What makes no sense is passed over.
  await other.evaluate("location.hash = '#seed=-1&count=5&class=9&position=x'");
  await expect.poll(() => other.evaluate("location.hash")).toBe("#seed=8&count=9");
  await other.close();
  await page.close();
}, 300_000);

test("a smooth picture is large, and each image by itself", async () => {
  const { page } = await open("?backend=wasm#seed=0&count=4");
  await pixelsOf(page, 0);
  const width = () => page.evaluate(() => document.querySelector("canvas")!.width);
  expect(await width()).toBe(16);
  await page.check("#smooth");
  await expect.poll(width).toBe(2 * 192);
  // A pixel of the first image's lower right corner is that image's own, whatever lies beside it.
  const corner = await page.evaluate(() => {
    const { data } = document.querySelector("canvas")!.getContext("2d")!.getImageData(191, 191, 1, 1);
    return [data[0]!, data[1]!, data[2]!];
  });
  const last = [...expected(0, 4)].slice(63 * 3, 64 * 3);
  for (const [channel, value] of corner.entries())
    expect(Math.abs(value - last[channel]!)).toBeLessThanOrEqual(2);
  await page.uncheck("#smooth");
  await expect.poll(width).toBe(16);
  await page.close();
}, 300_000);

test("a small model's page is small: one runtime, packed, and the teacher only when it is raced", async () => {
  const files = (readdirSync(join(site.folder, "site"), { recursive: true }) as string[]).filter((name) =>
    statSync(join(site.folder, "site", name)).isFile(),
  );
  expect(files.filter((name) => name.includes("webgpu"))).toEqual([]);
  const bytes = files.reduce((sum, name) => sum + statSync(join(site.folder, "site", name)).size, 0);
  expect(bytes).toBeLessThan(4.5e6);
  const { page, requests } = await open("?backend=wasm");
  await pixelsOf(page, 0);
  expect(requests.some((url) => url.endsWith("teacher.onnx"))).toBe(false);
  expect(requests.filter((url) => url.includes("/runtime/"))).toEqual([
    `${site.address}runtime/wasm.wasm.gz`,
  ]);
  await page.close();

  await web.write(student, join(site.folder, "with-gpu"), { precision: "f32", threads: 1, webgpu: true });
  expect(readdirSync(join(site.folder, "with-gpu", "runtime")).sort()).toEqual([
    "wasm.wasm.gz",
    "webgpu.wasm.gz",
  ]);
}, 300_000);

test("a server that calls the packing an encoding does no harm", async () => {
  const { page } = await open("?backend=wasm");
  await page.route("**/*.gz", (route) =>
    route.fulfill({
      body: gunzipSync(readFileSync(join(site.folder, "site", "runtime", "wasm.wasm.gz"))),
      contentType: "application/wasm",
    }),
  );
  await page.reload();
  expectEqual(await pixelsOf(page, 0), expected(0, 16));
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
