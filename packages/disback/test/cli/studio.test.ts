import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requireBrowser } from "../../../../test-support/browser.js";
import { disback, MAIN } from "./command.js";

const ENVIRONMENT = { ...process.env, OMP_NUM_THREADS: "1", NO_COLOR: "1" };
/** Generous: beside other work, starting libtorch alone takes a minute. */
const TIMEOUT = 600_000;
let base: string;
let browser: Browser;
const children: ChildProcess[] = [];

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "disback-studio-"));
  browser = await chromium.launch({ executablePath: requireBrowser(), args: ["--no-sandbox"] });
}, TIMEOUT);
afterAll(async () => {
  await browser.close();
  for (const child of children) child.kill("SIGKILL");
  rmSync(base, { recursive: true, force: true });
});

/** Starts the command line; `url` is the studio's address as it says it. */
function start(...flags: string[]): {
  child: ChildProcess;
  url: Promise<string>;
  ended: Promise<number | null>;
} {
  const child = spawn(process.execPath, [MAIN, ...flags], { env: ENVIRONMENT });
  children.push(child);
  let text = "";
  const url = new Promise<string>((resolve, reject) => {
    child.stderr.on("data", (part) => {
      text += part;
      const address = /^studio: (\S+)$/m.exec(text)?.[1];
      if (address) resolve(address);
    });
    child.once("close", () => reject(new Error(text)));
  });
  url.catch(() => {});
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { child, url, ended };
}

const TRAINING = [
  ...["distill", "--preset", "2d", "--student", "untrained", "--threads", "1", "--batch-size", "16"],
  ...["--method", "disback"],
  ...[
    "--iterations",
    "100000",
    "--record-steps",
    "4",
    "--evaluate-every",
    "20",
    "--evaluation-samples",
    "50",
  ],
  ...["--set", "evaluation.grid=50", "recording.batchSize=16", "checkpoints.every=100000"],
];

async function open(url: string): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(TIMEOUT / 4);
  await page.goto(url);
  return page;
}

const iterationOf = async (page: Page) =>
  Number(
    /backtracking ([\d,]+)/
      .exec((await page.locator(".stages").textContent()) ?? "")?.[1]
      ?.replaceAll(",", "") ?? 0,
  );

test(
  "the page follows a run while it trains, saves, stops and resumes it",
  async () => {
    const run = join(base, "run");
    const training = start(...TRAINING, "--out", run);
    const studio = start("studio", base, "--port", "0", "--no-browser");
    const page = await open(await studio.url);
    await page.getByRole("link", { name: "run", exact: true }).click();
    await page.locator(".stages").waitFor();
    await expect.poll(() => iterationOf(page), { timeout: TIMEOUT / 4 }).toBeGreaterThan(1);
    const before = await iterationOf(page);
    await expect.poll(() => iterationOf(page), { timeout: TIMEOUT / 4 }).toBeGreaterThan(before);
    await page.locator(".trajectory .node").first().waitFor();
    await page.locator("canvas.cloud").first().waitFor();

    await page.getByRole("button", { name: "Checkpoint now" }).click();
    const checkpoints = () =>
      readdirSync(join(run, "checkpoints")).filter((name) => /^\d+$/.test(name)).length;
    await expect.poll(checkpoints, { timeout: TIMEOUT / 4 }).toBe(2);
    await page.getByRole("button", { name: "Stop" }).click();
    expect(await training.ended).toBe(143);
    await page.locator(".state.stopped").waitFor();

    await page.getByRole("button", { name: "Resume" }).click();
    await page.locator(".state.running").waitFor();
    const stoppedAt = await iterationOf(page);
    await expect.poll(() => iterationOf(page), { timeout: TIMEOUT / 4 }).toBeGreaterThan(stoppedAt);
    await page.getByRole("button", { name: "Stop" }).click();
    await page.locator(".state.stopped").waitFor();
    expect(readFileSync(join(run, "resume.log"), "utf8")).toContain("continuing");

    studio.child.kill("SIGINT");
    expect(await studio.ended).toBe(0);
  },
  TIMEOUT,
);

test(
  "--studio serves the run's own page for as long as it trains",
  async () => {
    const run = join(base, "watched");
    const training = start(...TRAINING, "--out", run, "--studio");
    const page = await open(await training.url);
    await page.getByRole("heading", { name: /Ring of points/ }).waitFor();
    await expect.poll(() => iterationOf(page), { timeout: TIMEOUT / 4 }).toBeGreaterThan(1);
    await page.getByRole("button", { name: "Stop" }).click();
    expect(await training.ended).toBe(143);
    await page.getByText("connection lost").waitFor();
    expect(existsSync(join(run, "run.lock"))).toBe(false);
  },
  TIMEOUT,
);

test("mistakes are one line", () => {
  expect(disback("studio", join(base, "nowhere")).stderr).toMatch(/^error: .*nowhere: no such folder\n$/);
  expect(disback("studio", base, "--port", "x")).toMatchObject({
    status: 2,
    stderr: "error: --port must be a whole number from 0 to 65535, got x\n",
  });
  expect(disback("studio", base, "--allow-host", "https://runs.example.org")).toMatchObject({
    status: 2,
    stderr:
      "error: --allow-host https://runs.example.org: give only the host name, such as runs.example.org\n",
  });
  expect(disback("studio", base, "--base-path", "studio")).toMatchObject({
    status: 2,
    stderr: "error: --base-path studio: give a path such as /studio\n",
  });
});
