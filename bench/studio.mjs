// How fast the studio is with many long runs: 200 runs of 100,000 log lines each.
//
//   node bench/studio.mjs [--runs 200] [--lines 100000]
//
// Needs a Chromium (CHROMIUM names it). All runs share one log by hard links: the studio reads it for each, the disk
// holds it once. Of each request the studio's processor time (in steps of 10 ms, best of a few where it can be repeated)
// and the wall-clock time, which means little beside other work. Writes bench/results/studio.json.
import { spawn } from "node:child_process";
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { machine, printTable, save } from "./report.mjs";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "200" }, lines: { type: "string", default: "100000" } },
});
const [runs, lines] = [Number(values.runs), Number(values.lines)];
const MAIN = fileURLToPath(new URL("../packages/disback/dist/cli/main.js", import.meta.url));
const base = mkdtempSync(join(tmpdir(), "disback-bench-studio-"));
const studio = { process: undefined };
try {
  console.log(`${runs} runs of ${lines.toLocaleString("en")} lines`);
  makeRuns();
  const result = await measure();
  printTable([["what", "figure"], ...Object.entries(result)]);
  save("studio", { machine: machine(), runs, lines, result });
} finally {
  studio.process?.kill("SIGKILL");
  rmSync(base, { recursive: true, force: true });
}

function makeRuns() {
  const log = join(base, "log");
  for (let start = 0; start < lines; start += 10_000) {
    const part = Array.from({ length: Math.min(10_000, lines - start) }, (_, i) =>
      logLine(start + i + 1),
    ).join("\n");
    appendFileSync(log, `${part}\n`);
  }
  for (let number = 0; number < runs; number++) {
    const folder = join(base, "runs", `run-${String(number).padStart(3, "0")}`);
    mkdirSync(folder, { recursive: true });
    linkSync(log, join(folder, "metrics.jsonl"));
    writeFileSync(
      join(folder, "run.json"),
      JSON.stringify({
        format: "disback-run-1",
        command: "distill",
        settings: {
          method: "disback",
          student: "untrained",
          backtracking: { iterations: lines, batchSize: number },
        },
        seed: number,
        startedAt: new Date(1.76e12 + number * 1e6).toISOString(),
        state: "finished",
      }),
    );
  }
}

function logLine(iteration) {
  const noise = Math.sin(iteration * 12.9898) * 0.1;
  return JSON.stringify({
    stage: "backtrack",
    iteration,
    images: iteration * 128,
    seconds: iteration / 10,
    stepSeconds: iteration / 11,
    fid: 5 + (100 * 1000) / (1000 + iteration) + noise,
    loss: 0.2 + 100 / (100 + iteration) + noise / 10,
    gap: 0.1 + noise / 100,
    mismatch: 1.1 + noise,
    target: Math.max(0, 6 - Math.floor(iteration / 1000)),
    learningRate: 1e-4,
  });
}

async function measure() {
  const url = await startStudio();
  const { origin } = new URL(url);
  const memory = () => {
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${studio.process.pid}/status`, "utf8"));
    return `${Math.round(kilobytes / 1000)} MB`;
  };
  /** User and system time in milliseconds; the kernel counts in hundredths of a second. */
  const processor = () => {
    const stat = readFileSync(`/proc/${studio.process.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return 10 * (Number(fields[11]) + Number(fields[12]));
  };
  const measured = async (work) => {
    const [began, before] = [performance.now(), processor()];
    const bytes = await work();
    return { processor: processor() - before, wall: performance.now() - began, bytes };
  };
  const get = (path) => measured(async () => (await (await fetch(`${origin}/api/${path}`)).text()).length);
  const id = (number) => `run-${String(number).padStart(3, "0")}`;
  const best = async (path) => {
    let found = await get(path);
    for (let i = 0; i < 4; i++) {
      const again = await get(path);
      if (again.processor < found.processor) found = again;
    }
    return found;
  };
  const result = { "memory, nothing read": memory() };
  result["first list"] = show(await get("runs"));
  result["list again"] = show(await best("runs"));
  result["memory, all runs listed"] = memory();
  const firsts = [];
  for (let number = 0; number < 5; number++) firsts.push(await get(`curves?id=${id(number)}`));
  result["curves of a run, first time"] = show(firsts.sort((a, b) => a.processor - b.processor)[0]);
  result["curves of a run, again"] = show(await best(`curves?id=${id(0)}`));
  result["curves of a stretch"] = show(await best(`curves?id=${id(0)}&from=50000&to=60000`));
  result["memory, 5 runs opened"] = memory();
  const twelve = await measured(async () => {
    const answers = Array.from({ length: 12 }, (_, i) => get(`curves?id=${id(20 + i)}&points=600`));
    return (await Promise.all(answers)).reduce((sum, { bytes }) => sum + bytes, 0);
  });
  result["curves of 12 runs to compare, first time"] = show(twelve);
  result["memory, 17 runs opened"] = memory();
  Object.assign(result, await inBrowser(url));
  return result;
}

/** From an empty tab to what a person sees. */
async function inBrowser(url) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    const began = performance.now();
    await page.goto(url);
    await page
      .locator("table.runs tbody tr")
      .nth(runs - 1)
      .waitFor();
    const listed = performance.now();
    await page.getByRole("link", { name: "run-100", exact: true }).click();
    await page.locator(".chart canvas").nth(4).waitFor();
    const opened = performance.now();
    return {
      "browser: empty tab to all runs listed": `${Math.round(listed - began)} ms`,
      "browser: click to a run's charts": `${Math.round(opened - listed)} ms`,
    };
  } finally {
    await browser.close();
  }
}

function show({ processor, wall, bytes }) {
  return `${processor} ms processor, ${Math.round(wall)} ms wall, ${Math.round(bytes / 1000)} kB`;
}

function startStudio() {
  studio.process = spawn(process.execPath, [
    MAIN,
    "studio",
    join(base, "runs"),
    "--port",
    "0",
    "--no-browser",
  ]);
  return new Promise((resolve) => {
    studio.process.stderr.on("data", (text) => {
      const address = /^studio: (\S+)$/m.exec(String(text))?.[1];
      if (address) resolve(address);
    });
  });
}
