import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { requireBrowser } from "../../../../test-support/browser.js";
import { writeReport } from "../../src/runs/report/report.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { describeEnvironment, RUN_FORMAT } from "../../src/runs/run-record.js";

let base: string;
let address: string;
let browser: Browser;
let page: Page;
const problems: string[] = [];

/** Nine samples of 8 by 8 pixels with white lines between; the sample `i` of the moment `m` is grey with `20 m + i`. */
async function picture(path: string, moment: number): Promise<void> {
  const side = 4 + 3 * 12;
  const pixels = Uint8Array.from({ length: side * side }, (_, at) => {
    const [x, y] = [at % side, Math.floor(at / side)];
    const isLine = x % 12 < 4 || y % 12 < 4;
    return isLine ? 255 : 20 * moment + 3 * Math.floor(y / 12) + Math.floor(x / 12);
  });
  await sharp(pixels, { raw: { width: side, height: side, channels: 1 } })
    .png()
    .toFile(path);
}

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "disback-report-"));
  const run = RunFolder.create(join(base, "run"), {
    format: RUN_FORMAT,
    command: "distill",
    settings: {
      teacher: "runs/a-teacher-with-quite-a-long-name-as-people-give-them-when-they-try-many-things/teacher",
      evaluation: { grid: 9 },
      backtracking: { iterations: 300, objective: "diff-instruct" },
    },
    seed: 0,
    ...describeEnvironment("0.1.0", "2.13.0"),
    startedAt: "2026-01-02T03:04:05.000Z",
    state: "running",
  });
  for (let moment = 0; moment < 4; moment++) {
    const iteration = 100 * moment;
    run.metrics.append({
      ...{ stage: "backtrack", iteration, images: 128 * iteration, seconds: 3725 * moment },
      ...{ fid: 90 - 20 * moment, mismatch: 2, loss: 0.5, target: 0, gap: 0.1, gradientNorm: 1 + moment },
    });
    await picture(run.samplePath("backtrack", iteration), moment);
  }
  await picture(run.file("samples", "reference.png"), 9);
  mkdirSync(run.file("student"));
  const config = { labelDim: 3, classNames: ["shirt", "sneaker", "bag"] };
  writeFileSync(run.file("student", "config.json"), JSON.stringify(config));
  run.update({
    state: "finished",
    result: {
      ...{ teacherFid: 4.1, teacherEvaluations: 35, studentEvaluations: 1 },
      ...{ studentRate: 123_456, teacherRate: 1100 },
    },
  });
  run.close();
  address = pathToFileURL(writeReport(run.path)).href;
  browser = await chromium.launch({ executablePath: requireBrowser(), args: ["--no-sandbox"] });
});
afterAll(async () => {
  await browser.close();
  rmSync(base, { recursive: true, force: true });
});
beforeEach(async () => {
  page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
  problems.length = 0;
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  await page.goto(address);
});
afterEach(async () => {
  await page.close();
  // The content security policy among others.
  expect(problems).toEqual([]);
});

it("opens on two large pictures side by side, and goes through time by a slider", async () => {
  const boxes = await Promise.all([0, 1].map((at) => page.locator(".picture").nth(at).boundingBox()));
  for (const box of boxes) {
    expect(box!.width).toBeGreaterThan(550);
    expect(box!.y + box!.height).toBeLessThan(860);
  }
  const shown = page.locator(".frames img:visible");
  expect(await shown.getAttribute("data-caption")).toBe("iteration 300, FID 30");
  const slider = page.getByRole("slider", { name: "moment of the samples" });
  await slider.press("Home");
  expect(await shown.getAttribute("data-caption")).toBe("iteration 0, FID 90");
  await slider.press("ArrowRight");
  expect(await page.locator("figcaption .moment").first().textContent()).toBe("iteration 100, FID 70");
  expect(await shown.count()).toBe(1);
  await page.getByRole("button", { name: "Play" }).click();
  await expect
    .poll(() => shown.getAttribute("data-caption"), { timeout: 10_000 })
    .toBe("iteration 300, FID 30");
  await page.getByRole("button", { name: "Play" }).waitFor();
});

it("enlarges one sample of both, from the same noise, with its class", async () => {
  const box = (await page.locator(".picture").first().boundingBox())!;
  const middle = { x: box.width / 2, y: box.height / 2 };
  await page.locator(".picture").first().hover({ position: middle });
  expect(await page.locator(".cell:visible").count()).toBe(2);
  await page.locator(".picture").first().click({ position: middle });
  const dialog = page.getByRole("dialog");
  await dialog.getByText("sample 5 of 9, sneaker").waitFor();
  // The grey in the middle of each crop.
  const shades = () =>
    page.evaluate(`Promise.all([...document.querySelectorAll(".crop img")].map(async (image) => {
      await image.decode();
      const { left, top, width } = image.style;
      const side = (image.naturalWidth * 100) / parseFloat(width);
      const middle = (percent) => (-parseFloat(percent) / 100) * side + side / 2;
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 1;
      const context = canvas.getContext("2d");
      context.drawImage(image, middle(left), middle(top), 1, 1, 0, 0, 1, 1);
      return context.getImageData(0, 0, 1, 1).data[0];
    }))`);
  expect(await shades()).toEqual([64, 184]);
  await page.keyboard.press("ArrowRight");
  await dialog.getByText("sample 6 of 9, bag").waitFor();
  expect(await shades()).toEqual([65, 185]);
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
});

it("reads values of a curve out, under the pointer and by keys", async () => {
  const chart = page.locator("figure", { hasText: "FID: distance to the data" });
  await chart.scrollIntoViewIfNeeded();
  // A third of the way between the axis at 56 and the plot's end at 540 in the drawing.
  const [x, y] = (await page.evaluate(`(() => {
    const svg = document.querySelector(".charts svg");
    const { x, y } = new DOMPoint(56 + 484 / 3, 60).matrixTransform(svg.getScreenCTM());
    return [x, y];
  })()`)) as [number, number];
  await page.mouse.move(x, y);
  expect(await chart.locator("output").textContent()).toBe("70 at iteration 100");
  const dot = (await chart.locator(".dot:visible").boundingBox())!;
  expect(Math.abs(dot.x + dot.width / 2 - x)).toBeLessThan(3);
  await chart.locator("svg").focus();
  await page.keyboard.press("End");
  expect(await chart.locator("output").textContent()).toBe("30 at iteration 300");
  await page.keyboard.press("ArrowLeft");
  expect(await chart.locator("output").textContent()).toBe("50 at iteration 200");
});

it.each([390, 620, 800, 1024, 1280, 1600])(
  "spills nothing over at %i pixels, folded and unfolded",
  async (width) => {
    await page.setViewportSize({ width, height: 900 });
    for (const unfolds of [false, true]) {
      if (unfolds)
        await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })");
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      // Tables scroll in their own frames; all else stays within its parent.
      const spilling = await page.evaluate(`[...document.querySelectorAll("main *:not(svg *, .scroll *)")]
      .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX === "visible" && one.clientWidth > 0)
      .map((one) => one.tagName + " " + one.className + " " + one.textContent.slice(0, 40))`);
      expect(spilling).toEqual([]);
    }
  },
);

it("shows the newest pictures without its script, too", async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const still = await context.newPage();
  await still.goto(address);
  expect(await still.locator(".picture img:visible").count()).toBe(2);
  expect(await still.locator(".time").isVisible()).toBe(false);
  await context.close();
});

it("carries its script as the file has it", () => {
  const script = readFileSync(new URL("../../assets/report/viewer.js", import.meta.url), "utf8");
  expect(readFileSync(new URL(address), "utf8")).toContain(script);
  expect(script).not.toContain("</script");
});
