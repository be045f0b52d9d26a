// One step of distillation (an update of the auxiliary model, one of the student) beside Diff-Instruct's released loop in
// Python's PyTorch: eager, and under torch.compile. Both sides start with the same weights and draw the same numbers; the
// script stops unless losses, gap and gradients agree.
// node bench/distillation-step.mjs [--python python3] [--network fashion-mnist-16|ddpm++] [--batch 16] [--rounds 9]
//   [--seconds 1 | --steps 2] [--threads 1] [--checked 3] [--peers shared,released,compiled] [--check: agreement and memory only]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { libtorchVersion, ops, randn, scope, setNumThreads } from "@disback/torch";
import { Backtracking, loadConfig, loadModel, StudentGenerator, sampleShape } from "disback";
import { networkNamed } from "./networks.mjs";
import { PythonPeer, requireSameVersion } from "./python.mjs";
import { machine, positive, printTable, ratios, save, spread, timed, withQuartiles } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    network: { type: "string", default: "fashion-mnist-16" },
    batch: { type: "string", default: "16" },
    rounds: { type: "string", default: "9" },
    seconds: { type: "string", default: "1" },
    threads: { type: "string", default: "1" },
    steps: { type: "string" },
    checked: { type: "string", default: "3" },
    peers: { type: "string", default: "shared,released,compiled" },
    check: { type: "boolean", default: false },
  },
});
const [batchSize, rounds, seconds, threads, checkedSteps] = [
  "batch",
  "rounds",
  "seconds",
  "threads",
  "checked",
].map((name) => positive(flags, name));
const settings = {
  network: flags.network,
  batchSize,
  threads,
  seed: 1,
  sigmaInit: 2.5,
  studentLearningRate: 1e-5,
  auxiliaryLearningRate: 1e-5,
  betas: [0, 0.999],
  emaDecay: 0.999,
};
const variants = {
  shared: { shared: true },
  released: { shared: false },
  compiled: { shared: true, compile: true },
};

setNumThreads(threads);
const temporary = mkdtempSync(join(tmpdir(), "distillation-step-"));
try {
  await compare();
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

async function compare() {
  const folder = networkNamed(flags.network, temporary);
  // One process each: what one holds does not count for the other.
  const peers = {};
  for (const name of flags.peers.split(",")) {
    if (!variants[name]) throw new Error(`--peers: ${name} is none of ${Object.keys(variants).join(", ")}`);
    peers[name] = new PythonPeer(flags.python, "distillation_step.py", threads);
    await requireSameVersion(peers[name], libtorchVersion());
  }
  const beforeKB = process.resourceUsage().maxRSS;
  const ours = distillation(folder);
  const figures = Array.from({ length: checkedSteps }, () => ours.step());
  const agreement = {};
  let counted;
  for (const [name, peer] of Object.entries(peers)) {
    const request = { do: "create", name, teacher: folder, checkedSteps, ...settings, ...variants[name] };
    const created = await peer.ask(request);
    if (!variants[name].shared) continue;
    agreement[name] = requireAgreement(name, figures, created.figures);
    if (created.flops) counted = created;
  }
  console.log("largest relative difference of loss, gap and gradient norm:", agreement);
  if (flags.check) await measureMemory(peers, agreement);
  else await measure({ ours, peers, agreement, counted, beforeKB });
  for (const peer of Object.values(peers)) peer.close();
  ours.dispose();
}

async function measure({ ours, peers, agreement, counted, beforeKB }) {
  const run = (steps) => {
    for (let step = 0; step < steps; step++) ours.step();
  };
  const steps = flags.steps
    ? positive(flags, "steps")
    : Math.max(1, Math.round(seconds / timed(() => run(1)).processor));
  const products = [];
  const times = { ours: [], ...Object.fromEntries(Object.keys(peers).map((name) => [name, []])) };
  for (let round = 0; round < rounds; round++) {
    products.push(productRate());
    times.ours.push(timed(() => run(steps)));
    for (const [name, peer] of Object.entries(peers))
      times[name].push(await peer.ask({ do: "run", name, steps }));
  }
  const peakMB = await peaks(peers);
  const floor = counted && floors(counted, products);
  const milliseconds = (name, clock) => times[name].map((time) => (time[clock] / steps) * 1000);
  const both = (make) => ({ wall: make("wall"), processor: make("processor") });
  const results = Object.fromEntries(
    Object.keys(times).map((name) => [
      name,
      {
        ...both((clock) => spread(milliseconds(name, clock))),
        peakResidentMB: peakMB[name],
        ...(name === "ours"
          ? {}
          : { speed: both((clock) => ratios(milliseconds(name, clock), milliseconds("ours", clock))) }),
      },
    ]),
  );
  printTable([
    [
      "one step, median (quartiles)",
      "processor ms",
      "wall ms",
      "theirs / ours, processor",
      "wall",
      "peak MB",
    ],
    ...Object.entries(results).map(([name, { processor, wall, speed, peakResidentMB }]) => [
      name,
      withQuartiles(processor, 1),
      withQuartiles(wall, 1),
      speed ? withQuartiles(speed.processor) : "",
      speed ? withQuartiles(speed.wall) : "",
      peakResidentMB.toFixed(0),
    ]),
  ]);
  if (floor)
    console.log(
      `floor: ${(floor.flops / 1e9).toFixed(2)} GFLOP per step at ${floor.productGflops.median.toFixed(1)} GFLOP/s ` +
        `(${floor.milliseconds.toFixed(1)} ms); ${floor.memoryMB.toFixed(0)} MB of weights, moments and one gradient`,
    );
  save(`distillation-step-${flags.network}-${batchSize}`, {
    machine: machine(),
    settings: { ...settings, rounds, stepsPerRound: steps, checkedSteps },
    agreement,
    residentBeforeNetworksMB: beforeKB / 1024,
    floor,
    results,
  });
}

/** Of networks too large to be timed here: memory after the checked steps. */
async function measureMemory(peers, agreement) {
  const peakResidentMB = await peaks(peers);
  console.log("peak resident memory, MB:", peakResidentMB);
  save(`distillation-memory-${flags.network}-${batchSize}`, {
    machine: machine(),
    settings: { ...settings, checkedSteps },
    agreement,
    peakResidentMB,
  });
}

/** Highest resident memory of each process so far, MB. */
async function peaks(peers) {
  const peakMB = { ours: process.resourceUsage().maxRSS / 1024 };
  for (const [name, peer] of Object.entries(peers))
    peakMB[name] = (await peer.ask({ do: "memory" })).peakKB / 1024;
  return peakMB;
}

/** Multiplications and additions per second of processor time of a product of two matrices: what a core can do. */
function productRate() {
  const size = 1024;
  const [left, right] = [randn([size, size]), randn([size, size])];
  const once = () => timed(() => scope(() => void ops.mm(left, right))).processor;
  const rate = (2 * size ** 3) / Math.min(once(), once(), once());
  left.dispose();
  right.dispose();
  return rate / 1e9;
}

/**
 * Least time and memory of a step: its operations at the rate of a matrix product, and four networks (student, its
 * average, auxiliary model, target), two networks' second moments and one network's gradient.
 */
function floors({ flops, parameters }, products) {
  const productGflops = spread(products);
  const milliseconds = flops / productGflops.median / 1e6;
  return { flops, productGflops, milliseconds, parameters, memoryMB: (7 * 4 * parameters) / 2 ** 20 };
}

function distillation(folder) {
  const config = loadConfig(folder);
  const generator = new StudentGenerator(loadModel(folder).denoiser, {
    sigmaInit: settings.sigmaInit,
    sampleShape: sampleShape(config),
    labelDim: config.labelDim,
  });
  return new Backtracking({
    ...settings,
    teacher: loadModel(folder).denoiser,
    generator,
    iterations: Number.MAX_SAFE_INTEGER,
  });
}

/** The largest relative difference; the first steps' figures would tell any difference in the mathematics. */
function requireAgreement(name, ours, theirs) {
  let largest = 0;
  for (const [step, figures] of theirs.entries())
    for (const [figure, value] of Object.entries(figures)) {
      // At the first step auxiliary model and target are the same: their gap is rounding, as is all that follows from it.
      const difference = Math.abs(ours[step][figure] / value - 1);
      if (!(difference < 1e-3))
        throw new Error(`${name}, step ${step}: ${figure} is ${ours[step][figure]} here, ${value} there`);
      largest = Math.max(largest, difference);
    }
  return largest;
}
