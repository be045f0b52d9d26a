// Everything about GPUs in one call: builds the addon against the PyTorch that Python imports, checks it on every device
// there is, and compares a step of distillation on EDM's network for CIFAR-10 with the eager loop in Python, at large
// batches and in every precision; where there are two GPUs, also that two processes train as one. Without a GPU it says
// so, makes the same checks on the CPU, and rehearses the comparison there with a small network; those figures mean nothing.
// node bench/gpu.mjs [--python python3] [--batches 128,256] [--rounds 5] [--no-build]
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { printTable, withQuartiles } from "./report.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: flags } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    batches: { type: "string", default: "128,256" },
    rounds: { type: "string", default: "5" },
    "no-build": { type: "boolean", default: false },
  },
});
/** How both sides compute. Tensor cores convolve channels-last; TF32 is a GPU's. */
const manners = {
  f32: [],
  "f32, channels-last": ["--memory-format", "channels-last"],
  "tf32, channels-last": ["--tf32", "--memory-format", "channels-last"],
  bf16: ["--precision", "bf16"],
  "bf16, channels-last": ["--precision", "bf16", "--memory-format", "channels-last"],
};

if (!flags["no-build"]) build();
const absence = noGpu();
check();
if (absence === "") {
  compare({ network: "ddpm++", batches: flags.batches, rounds: flags.rounds, more: ["--device", "cuda"] });
} else {
  delete manners["tf32, channels-last"];
  compare({
    network: "fashion-mnist-16",
    batches: "4",
    rounds: "1",
    more: ["--checked", "1", "--steps", "1"],
  });
  console.log(`No GPU, ${absence}: checked and rehearsed on the CPU alone, nothing measured.`);
}

/** The addon against Python's PyTorch, and the TypeScript. */
function build() {
  const where = "import os, torch; print(os.path.dirname(torch.__file__))";
  const found = spawnSync(flags.python, ["-c", where], { encoding: "utf8" });
  if (found.status !== 0) throw new Error(`--python ${flags.python}: cannot import torch`);
  run(process.execPath, ["packages/torch/scripts/install.mjs"], { LIBTORCH: found.stdout.trim() });
  run("npx", ["tsc", "-b"]);
}

/** Why there is no GPU; "" if there is one. In a process of its own: the addon may have been built just now. */
function noGpu() {
  const script = 'import("@disback/torch").then(({ whyNoCuda }) => console.log(whyNoCuda() ?? ""))';
  return run(process.execPath, ["-e", script], {}, "pipe").trim();
}

/** Outputs, gradients and steps of training on every device, against the CPU; two processes on two GPUs, against one. */
function check() {
  const test = (...words) => run("npx", ["vitest", "run", ...words]);
  test("packages/disback/test/models/computation.test.ts", "packages/torch/test/autograd.test.ts");
  const processes = [
    "packages/torch/test/distributed.test.ts",
    "packages/disback/test/training/processes.test.ts",
  ];
  test(...processes, "-t", "GPUs");
}

/** A step of distillation beside the eager loop in Python, in every precision and layout, as a table. */
function compare({ network, batches, rounds, more }) {
  const rows = [["one step, median (quartiles)", "batch", "ours ms", "theirs / ours", "peak, ours / theirs"]];
  for (const batch of batches.split(","))
    for (const [name, manner] of Object.entries(manners)) {
      const result = `${absence === "" ? "gpu" : "rehearsal"}-${name.replace(", ", "-")}-${batch}`;
      run(process.execPath, [
        ...["bench/distillation-step.mjs", "--python", flags.python, "--network", network, "--batch", batch],
        ...["--peers", "shared", "--rounds", rounds, "--result", result, ...manner, ...more],
      ]);
      const file = new URL(`results/${result}.json`, import.meta.url);
      const { ours, shared } = JSON.parse(readFileSync(file)).results;
      if (absence !== "") rmSync(file);
      rows.push([
        name,
        batch,
        withQuartiles(ours.wall, 1),
        withQuartiles(shared.speed.wall),
        (ours.peakMB / shared.peakMB).toFixed(2),
      ]);
    }
  printTable(rows);
}

function run(command, args, environment = {}, stdout = "inherit") {
  const options = { cwd: root, encoding: "utf8", env: { ...process.env, ...environment } };
  const done = spawnSync(command, args, { ...options, stdio: ["ignore", stdout, "inherit"] });
  if (done.error) throw done.error;
  if (done.status !== 0) process.exit(done.status ?? 1);
  return done.stdout ?? "";
}
