// How far imitation should go, and what a smaller student's inherited weights are worth: mean squared difference to the
// teacher's answers and FID on the way, on Fashion-MNIST at 16 x 16.   node bench/imitation.mjs [--seeds 101,102,103]
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { machine, printTable, save } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    seeds: { type: "string", default: "101,102,103" },
    steps: { type: "string", default: "300" },
    every: { type: "string", default: "50" },
  },
});
const program = fileURLToPath(new URL("../packages/disback/dist/cli/main.js", import.meta.url));
const starts = {
  untrained: { student: "untrained", inherit: false },
  "small, random weights": { student: "small", inherit: false },
  "small, inherited weights": { student: "small", inherit: true },
};
const folder = mkdtempSync(join(tmpdir(), "imitation-"));
const seeds = flags.seeds.split(",").map(Number);
const results = {};
for (const [name, start] of Object.entries(starts)) results[name] = seeds.map((seed) => run(start, seed));
rmSync(folder, { recursive: true });

const steps = results.untrained[0].map(({ iteration }) => iteration);
printTable([
  ["", ...steps.map((step) => `after ${step}`)],
  ...Object.entries(results).flatMap(([name, runs]) => [
    [`${name}: part of the data's variance`, ...steps.map((_, at) => range(runs, at, "difference", 3))],
    [`${name}: FID`, ...steps.map((_, at) => range(runs, at, "fid", 0))],
  ]),
]);
save("imitation", {
  machine: machine(),
  settings: { teacher: "fashion-mnist-16", ...flags, batchSize: 16 },
  results,
});

function run({ student, inherit }, seed) {
  const out = join(folder, "run");
  const settings = [
    `imitation.tolerance=0 imitation.inherit=${inherit} imitation.batchSize=16 imitation.steps=${flags.steps}`,
    `evaluation.every=${flags.every} evaluation.samples=1000 backtracking.iterations=1 backtracking.batchSize=2`,
  ];
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      ...[program, "distill", "--teacher", "fashion-mnist-16", "--student", student, "--seed", String(seed)],
      ...["--threads", "1", "--quiet", "--force", "--out", out, "--set", ...settings.join(" ").split(" ")],
    ],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  const lines = readFileSync(join(out, "metrics.jsonl"), "utf8").trim().split("\n");
  return lines
    .map((line) => JSON.parse(line))
    .filter(({ stage, iteration }) => stage === "imitate" && iteration > 0)
    .map(({ iteration, loss, fid }) => ({ iteration, difference: loss / 0.5 ** 2, fid }));
}

function range(runs, at, figure, digits) {
  const values = runs.map((run) => run[at][figure]).sort((a, b) => a - b);
  return `${values[0].toFixed(digits)} to ${values.at(-1).toFixed(digits)}`;
}
