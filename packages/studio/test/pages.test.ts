import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Studio, startStudio } from "@disback/studio";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { requireBrowser } from "../../../test-support/browser.js";
import { line, log, makeRun } from "./make-run.js";

let browser: Browser;
let base: string;
let studio: Studio;
let page: Page;
const requests: string[] = [];
const problems: string[] = [];
const done: string[] = [];

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: requireBrowser(), args: ["--no-sandbox"] });
});
afterAll(() => browser.close());

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), "disback-studio-"));
  studio = await startStudio({
    folder: base,
    runControl: {
      isHeld: (lock) => JSON.parse(readFileSync(lock, "utf8")).alive === true,
      ask: (folder, what) => {
        done.push(what);
        writeFileSync(join(folder, `${what}.request`), "");
      },
      resume: async () => void done.push("resume"),
      work: {
        presets: ["demo", "2d"],
        start: async (folder, wanted) => {
          done.push(`start ${JSON.stringify(wanted)}`);
          makeRun(folder, running);
        },
        draw: async (_, wanted) => {
          done.push(`draw ${JSON.stringify(wanted)}`);
          if (wanted.texts) return Buffer.from("Once upon\nOnce more\n");
          return readFileSync(join(base, "run", "samples", "reference.png"));
        },
        export: async (_, format) => void done.push(`export ${format}`),
      },
    },
  });
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
  for (const list of [requests, problems, done]) list.length = 0;
  page.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
});

afterEach(async () => {
  await page.context().close();
  await studio.close();
  rmSync(base, { recursive: true, force: true });
  // Nothing went wrong in the page, the content security policy included, and nothing was asked of anyone else.
  expect(problems).toEqual([]);
  const { origin } = new URL(studio.url);
  expect(requests.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith("data:"))).toEqual([]);
});

const running = { record: { state: "running", result: undefined } };
const live = (name: string) => writeFileSync(join(base, name, "run.lock"), '{"alive":true}');

const card = (name: string) => page.locator(".card", { has: page.getByRole("link", { name, exact: true }) });

/** What there is below a folder, and a page that shows it. */
async function open(hash = ""): Promise<void> {
  await page.goto(studio.url);
  await page.waitForSelector(".connection.live");
  if (hash !== "") await page.goto(`${new URL(studio.url).origin}/${hash}`);
}

describe("new work", () => {
  it("starts a run under a free name, and shows it", async () => {
    makeRun(join(base, "demo"));
    await open();
    await page.getByText("New run").click();
    expect(await page.getByLabel("Folder").inputValue()).toBe("demo-2");
    await page.getByLabel("Student").selectOption("small");
    await page.getByLabel("Iterations").fill("30");
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText(/^demo-2 · /).waitFor();
    expect(done).toEqual([
      'start {"name":"demo-2","seed":0,"student":"small","iterations":30,"preset":"demo"}',
    ]);
  });

  it("draws from a model and exports it", async () => {
    makeRun(join(base, "run"), { grid: 1 });
    mkdirSync(join(base, "run", "student"));
    const config = { labelDim: 2, classNames: ["shirt", "sneaker"] };
    writeFileSync(join(base, "run", "student", "config.json"), JSON.stringify(config));
    await open("#/run/run");
    await page.getByLabel("Class").selectOption("sneaker");
    await page.getByRole("button", { name: "Draw others" }).click();
    await page.getByAltText("16 new samples, sneaker, seed 2").waitFor();
    await page.getByLabel("Export as").selectOption("onnx");
    await page.getByRole("button", { name: "Export" }).click();
    await page.getByText("Written to run/export.onnx.").waitFor();
    expect(done).toEqual(['draw {"seed":2,"count":16,"label":"sneaker"}', "export onnx"]);
  });
});

describe("a language model", () => {
  it("shows texts in the list, goes on from a beginning, and is offered no page", async () => {
    makeRun(join(base, "run"));
    for (const name of ["backtrack-00000160", "reference"])
      writeFileSync(join(base, "run", "samples", `${name}.txt`), "first words\nsecond words\n");
    mkdirSync(join(base, "run", "student"));
    writeFileSync(join(base, "run", "student", "config.json"), '{"model_type":"llama"}');
    await open();
    await card("run").getByText("second words").waitFor();
    await open("#/run/run");
    await page.getByLabel("Beginning").fill("Once");
    expect(await page.getByLabel("Export as").locator("option").allTextContents()).toEqual(["safetensors"]);
    await page.getByRole("button", { name: "Draw 16" }).click();
    await page.locator(".use").getByText("Once upon").waitFor();
    expect(done).toEqual(['draw {"seed":1,"count":16,"prompt":"Once","texts":true}']);
  });
});

describe("the list", () => {
  it("says what to do where there is no run, and shows the first one by itself", async () => {
    await open();
    await page.getByRole("heading", { name: "No runs yet" }).waitFor();
    makeRun(join(base, "first"));
    await page.getByRole("link", { name: "first", exact: true }).waitFor();
  });

  it("keeps the token out of the address", async () => {
    await open();
    expect(page.url()).not.toContain("token");
  });

  it("tells states, finds by words, and shows a comparison as one card", async () => {
    makeRun(join(base, "alone"), { record: { state: "failed", failure: { message: "loss became NaN" } } });
    makeRun(join(base, "dead"), running);
    makeRun(join(base, "alive"), running);
    live("alive");
    makeRun(join(base, "study", "ring", "seed-1"));
    makeRun(join(base, "study", "ring", "seed-2"));
    writeFileSync(join(base, "study", "settings.json"), "{}");
    await open();
    await card("dead").getByText("interrupted").waitFor();
    await card("alive").getByText("running").waitFor();
    await card("alone").getByText("loss became NaN").waitFor();
    await card("alive")
      .getByText(/backtracking 161 of 200, 1 min 0 s left/)
      .waitFor();
    expect(await page.locator(".card").count()).toBe(4);
    await card("study").getByText("2 runs, all finished").waitFor();
    await page.getByLabel("Find").fill("ring seed-2");
    await page.getByText("1 of 5 runs").waitFor();
    await page.getByLabel("Find").fill("");
    await page.getByLabel("State").selectOption("interrupted");
    await page.getByText("1 of 5 runs").waitFor();
    await page.getByLabel("State").selectOption("");
    await page.getByRole("link", { name: "study" }).click();
    // The parts of their folders that are not the same.
    for (const name of ["seed-1", "seed-2"]) await page.getByRole("link", { name, exact: true }).waitFor();
    await page.getByText("FID: ring 65.6").waitFor();
    await page.getByRole("link", { name: "Curves of all" }).click();
    await page.getByRole("heading", { name: "Comparison of 2 runs" }).waitFor();
  });

  it("names runs as shortly as can be told apart, and says in a line what came out", async () => {
    const result = { teacherFid: 5, studentEvaluations: 1, teacherEvaluations: 35 };
    makeRun(join(base, "monday", "demo"), { record: { result, settings: { teacher: "fashion-mnist-16" } } });
    makeRun(join(base, "tuesday", "demo"), { grid: 9 });
    makeRun(join(base, "tuesday", "other"));
    await open();
    for (const name of ["monday/demo", "tuesday/demo", "other"])
      await page.getByRole("link", { name, exact: true }).waitFor();
    await card("monday/demo").getByText("FID 65.6, the teacher 5 · 1 evaluation instead of 35").waitFor();
    await card("monday/demo")
      .getByText(/Fashion-MNIST, 16×16/)
      .waitFor();
    const picture = card("tuesday/demo").locator(".thumbnail img");
    await expect.poll(() => picture.getAttribute("src")).toContain("backtrack-00000160.png");
  });
});

describe("a run", () => {
  it("opens on the student beside the teacher, and enlarges a sample of both", async () => {
    makeRun(join(base, "a"), { grid: 9 });
    mkdirSync(join(base, "a", "student"));
    const config = { labelDim: 3, classNames: ["shirt", "sneaker", "bag"] };
    writeFileSync(join(base, "a", "student", "config.json"), JSON.stringify(config));
    await open("#/run/a");
    const pictures = page.locator(".picture img");
    await expect.poll(() => pictures.count()).toBe(2);
    const boxes = await Promise.all([0, 1].map((index) => pictures.nth(index).boundingBox()));
    // As large as the screen allows, in the first view, side by side.
    for (const box of boxes) expect(box!.width).toBeGreaterThan(600);
    expect(boxes[0]!.y).toBe(boxes[1]!.y);
    expect(boxes[0]!.y + boxes[0]!.height).toBeLessThan(900);
    // The fifth sample: the second row's second.
    const place = { x: boxes[0]!.width / 2, y: boxes[0]!.height / 2 };
    await page.locator(".picture").first().hover({ position: place });
    await expect.poll(() => page.locator(".cell").count()).toBe(2);
    await page.locator(".picture").first().click({ position: place });
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
    await expect.poll(shades).toEqual([4, 4]);
    await page.keyboard.press("ArrowRight");
    await dialog.getByText("sample 6 of 9, bag").waitFor();
    await expect.poll(shades).toEqual([5, 5]);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  });

  it("names its charts for people, leaves no card alone in its row, and shows only settings in use", async () => {
    const backtracking = {
      iterations: 200,
      objective: "sid",
      sid: { alpha: 1.2 },
      dmd2: { realSamples: 20000 },
    };
    makeRun(join(base, "a"), {
      settings: { backtracking, imitation: { steps: 5 }, tf32: false },
    });
    for (const iteration of [180, 190])
      log(
        join(base, "a"),
        "live.jsonl",
        line("backtrack", iteration, { gradientNorm: 3, auxiliaryGradientNorm: 2, someNewFigure: 1 }),
      );
    await open("#/run/a");
    for (const name of [
      "Gradient norm of the student",
      "Gradient norm of the auxiliary model",
      "Some new figure",
    ])
      await page.locator(".chart figcaption", { hasText: name }).first().waitFor();
    for (const width of [1440, 1000, 390]) {
      await page.setViewportSize({ width, height: 900 });
      for (const cards of [".chart", ".tiles div"]) {
        const tops = (await page.evaluate(
          `[...document.querySelectorAll("${cards}")].map((one) => Math.round(one.getBoundingClientRect().top))`,
        )) as number[];
        const last = tops.filter((top) => top === tops.at(-1)).length;
        const widest = await page.locator(cards).last().boundingBox();
        if (width === 390) expect(widest!.width, cards).toBeGreaterThan(160);
        else expect(last, `${cards} at ${width}`).toBeGreaterThan(1);
      }
    }
    await page.getByText("Settings in use").click();
    await page.getByRole("rowheader", { name: "backtracking.sid.alpha" }).waitFor();
    for (const name of ["backtracking.dmd2.realSamples", "imitation.steps", "tf32"])
      expect(await page.getByRole("rowheader", { name }).count(), name).toBe(0);
  });

  it("shows figures, path, samples and curves, and follows without a reload", async () => {
    makeRun(join(base, "a"), running);
    live("a");
    await open("#/run/a");
    const tile = (name: string) => page.locator(".tiles div", { hasText: name }).locator("dd").first();
    await expect.poll(() => tile("Loss").textContent()).toBe("0.2");
    expect(await tile("Learning rate").textContent()).toBe("1.0e-4");
    expect(await tile("Iterations per second").textContent()).toBe("8");
    expect(await tile("Memory").textContent()).toBe("0.3 GB");
    expect(await tile("Time left").textContent()).toBe("1 min 0 s");
    expect(await page.locator(".trajectory .node").count()).toBe(4);
    await page
      .getByText("node 2: 2 from node 1, saved after step 6, loss 0.3")
      .first()
      .waitFor({ state: "attached" });
    await page.getByText("The student's target is the teacher").waitFor();
    expect(await page.locator(".chart").count()).toBeGreaterThanOrEqual(6);
    const chart = page.getByRole("img", { name: /^Loss of the model being fitted\./ });
    expect(await chart.getAttribute("aria-label")).toContain("to 0.2 at 171 iterations");

    await page.evaluate("window.stays = true");
    log(join(base, "a"), "live.jsonl", {
      ...line("backtrack", 190, { loss: 0.123, target: 0, mismatch: 1 }),
      iterations: 200,
    });
    await expect.poll(() => tile("Loss").textContent(), { timeout: 10_000 }).toBe("0.123");
    await expect.poll(() => chart.getAttribute("aria-label")).toContain("to 0.123 at 200 iterations");
    expect(await page.evaluate("window.stays")).toBe(true);
  });

  it("goes through time with the slider, teacher beside student", async () => {
    makeRun(join(base, "a"));
    await open("#/run/a");
    const slider = page.getByRole("slider", { name: "moment of the samples" });
    await slider.waitFor();
    expect(await slider.getAttribute("aria-valuetext")).toBe("iteration 160, FID 65.6");
    const student = page.getByRole("img", { name: /samples, student/ });
    expect(await student.getAttribute("src")).toContain("backtrack-00000160.png");
    await slider.press("Home");
    await expect.poll(() => student.getAttribute("src")).toContain("backtrack-00000000.png");
    expect(await slider.getAttribute("aria-valuetext")).toBe("iteration 0, FID 100");
    await slider.press("ArrowRight");
    await expect.poll(() => student.getAttribute("src")).toContain("backtrack-00000040.png");
    expect(
      await page.getByRole("img", { name: /samples, teacher, from the same noise/ }).getAttribute("src"),
    ).toContain("reference.png");
  });

  it("moves points of the plane over the teacher's density", async () => {
    makeRun(join(base, "a"), { points: true });
    await page.emulateMedia({ reducedMotion: "reduce" });
    await open("#/run/a");
    const canvas = page.locator("canvas.cloud").first();
    const picture = () =>
      canvas.evaluate((element) => (element as unknown as { toDataURL(): string }).toDataURL());
    await canvas.waitFor();
    const blank = await page.evaluate(
      "(() => { const c = document.createElement('canvas'); c.width = c.height = 800; return c.toDataURL(); })()",
    );
    await expect.poll(picture).not.toBe(blank);
    const late = await picture();
    await page.getByRole("slider").press("Home");
    await expect.poll(picture).not.toBe(late);
  });

  it("looks closer where a stretch is dragged, and is read by keys", async () => {
    makeRun(join(base, "a"));
    await open("#/run/a");
    const chart = page.getByRole("img", { name: /^FID: distance to the data\./ });
    await chart.scrollIntoViewIfNeeded();
    await chart.press("End");
    await expect
      .poll(() => page.locator(".chart", { has: chart }).locator("output").textContent())
      .toContain("at 170 iterations");
    const over = (await chart.locator(".u-over").boundingBox())!;
    await page.mouse.move(over.x + over.width * 0.6, over.y + 50);
    await page.mouse.down();
    await page.mouse.move(over.x + over.width * 0.8, over.y + 50, { steps: 3 });
    await page.mouse.up();
    await page.getByRole("button", { name: "Show everything" }).click();
    await page.getByRole("button", { name: "Show everything" }).waitFor({ state: "detached" });
    await page.getByLabel("horizontal axis").selectOption("seconds");
    await expect.poll(() => chart.getAttribute("aria-label")).toContain("at 16 seconds");
  });

  it("saves, stops and resumes, and says so to a screen reader", async () => {
    makeRun(join(base, "a"), running);
    live("a");
    await open("#/run/a");
    await page.getByRole("button", { name: "Checkpoint now" }).click();
    await page.getByText("Saving at the end of this step.").waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("Saving and stopping at the end of this step.").waitFor();
    for (const name of ["run.lock", "stop.request", "checkpoint.request"]) rmSync(join(base, "a", name));
    await page.locator("[aria-live=polite]", { hasText: "a: interrupted" }).waitFor({ state: "attached" });
    await page.getByRole("button", { name: "Resume" }).click();
    await expect.poll(() => done).toEqual(["checkpoint", "stop", "resume"]);
  });

  it("only looks without the token", async () => {
    makeRun(join(base, "a"), running);
    live("a");
    await page.goto(`${new URL(studio.url).origin}/#/run/a`);
    await page.getByText("Only looking").waitFor();
    expect(await page.getByRole("button", { name: "Stop" }).isDisabled()).toBe(true);
  });

  it("says so when it is gone, when the page was never there, and when the studio ends", async () => {
    makeRun(join(base, "a"));
    await open("#/run/a");
    await page.getByRole("heading", { name: /finished/ }).waitFor();
    rmSync(join(base, "a"), { recursive: true });
    await page.getByText("This run's folder is gone").waitFor();
    await page.goto(`${new URL(studio.url).origin}/#/run/nothing`);
    await page.getByText("there is no such run").waitFor();
    await studio.close();
    await page.getByText("connection lost").waitFor();
    // The browser's own words about refused connections.
    problems.length = 0;
  });
});

describe("a comparison", () => {
  it("overlays curves, reads off speed-ups, and marks settings that differ", async () => {
    makeRun(join(base, "slow"), { fid: 120 });
    const settings = { backtracking: { iterations: 200, studentLearningRate: 5e-4 } };
    makeRun(join(base, "fast"), { fid: 80, settings, record: { startedAt: "2026-01-02T00:00:00Z" } });
    await open();
    for (const name of ["slow", "fast"]) await page.getByLabel(`compare ${name}`).check();
    await page.getByRole("link", { name: "Compare 2 runs" }).click();
    const row = (name: string) => page.locator(".reach tbody tr", { hasText: name });
    await row("slow").getByRole("radio").check();
    await page.getByLabel("at or below").fill("79");
    // 120 * 0.9^4 = 78.7 at iteration 160, 80 * 0.9 = 72 at 40; ten steps of recording before both.
    await expect.poll(() => row("slow").locator("td").nth(2).textContent()).toBe("170");
    expect(await row("fast").locator("td").nth(2).textContent()).toBe("50");
    expect(await row("fast").locator("td").nth(3).textContent()).toBe("3.4×");
    await page.getByLabel("at or below").fill("60");
    await expect.poll(() => row("slow").locator("td").nth(2).textContent()).toBe("never");
    await page.getByLabel("horizontal axis").selectOption("images");
    await expect.poll(() => row("fast").locator("td").nth(2).textContent()).toBe("8,320");

    const over = (await page.locator(".u-over").boundingBox())!;
    await page.mouse.move(over.x + over.width / 2, over.y + over.height * 0.25);
    await expect.poll(() => page.getByLabel("at or below").inputValue()).not.toBe("60");
    const differing = page.locator(".settings tr.differs");
    await expect
      .poll(() => differing.allTextContents())
      .toEqual([expect.stringContaining("backtracking.studentLearningRate")]);
    await page.getByLabel("only what differs").uncheck();
    await page.getByRole("rowheader", { name: "recording.steps" }).waitFor();
  });
});

describe("on every screen", () => {
  it.each([
    ["phone", 360],
    ["tablet", 800],
    ["laptop", 1280],
  ])("has no sideways scrolling on a %s", async (_, width) => {
    makeRun(join(base, "a-run-with-quite-a-long-name-as-people-give-them"), { points: true });
    makeRun(join(base, "b"));
    await page.setViewportSize({ width, height: 800 });
    for (const hash of [
      "#/",
      "#/run/a-run-with-quite-a-long-name-as-people-give-them",
      "#/run/b",
      "#/compare/b/a-run-with-quite-a-long-name-as-people-give-them",
    ]) {
      await open(hash);
      await page.locator(".card, .chart").first().waitFor();
      expect(await page.evaluate("document.documentElement.scrollWidth"), hash).toBeLessThanOrEqual(width);
    }
  });

  it("gives every control a name, and reaches them by keys in the order they stand", async () => {
    makeRun(join(base, "a"));
    appendFileSync(join(base, "a", "metrics.jsonl"), "torn");
    await open("#/run/a");
    await page.locator(".chart").first().waitFor();
    const order: string[] = [];
    await page.locator("body").focus();
    for (let i = 0; i < 9; i++) {
      await page.keyboard.press("Tab");
      order.push(
        (await page.evaluate(
          "(() => { const e = document.activeElement; return e.getAttribute('aria-label') ?? e.closest('label')?.textContent ?? e.textContent; })()",
        )) as string,
      );
    }
    expect(order[0]).toBe("Skip to content");
    expect(order[1]).toBe("disback studio");
    expect(order[2]).toBe("All runs");
    expect(order[3]).toMatch(/^enlarge grid of samples, student/);
    expect(order[4]).toMatch(/^enlarge grid of samples, teacher/);
    expect(order[5]).toBe("Play");
    expect(order[6]).toBe("moment of the samples");
    expect(order.every((name) => name.trim() !== "")).toBe(true);
  });
});
