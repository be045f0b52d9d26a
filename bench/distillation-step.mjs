// One step of distillation (an update of the auxiliary model, one of the student) beside Diff-Instruct's released loop in
// Python's PyTorch: eager, and under torch.compile. Both sides start with the same weights and draw the same numbers; the
// script stops unless losses, gap and gradients agree.
// node bench/distillation-step.mjs [--python python3] [--network fashion-mnist-16|ddpm++|dit|unet-2d-condition] [--batch 16] [--rounds 9]
//   [--seconds 1 | --steps 2] [--threads 1] [--checked 3] [--peers shared,shared-last,shared-one,released,compiled] [--check: agreement and memory only]
//   [--device cpu|cuda] [--precision f32|bf16] [--tf32], both sides alike
//   [--one-noise: ours takes one noised batch for both updates, 7 passes through a network instead of 8; the peer shared-one too]
//   [--memory-format contiguous|channels-last], both sides alike; else the product's choice here, PyTorch's there (contiguous,
//   and with the peer shared-last channels-last)
//   [--result NAME: bench/results/NAME.json]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { libtorchVersion, memoryStatistics, ops, randn, scope, setNumThreads } from "@disback/torch";
import { Backtracking, DenoiserStudent, DiffInstruct } from "disback";
import { loadModel } from "disback/models";
import { computing } from "../packages/disback/dist/models/computation.js";
import { computationOf } from "../packages/disback/dist/runs/computation.js";
import { conditionsFor, networkNamed } from "./networks.mjs";
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
    peers: { type: "string", default: "shared,shared-last,released,compiled" },
    check: { type: "boolean", default: false },
    device: { type: "string", default: "cpu" },
    precision: { type: "string", default: "f32" },
    tf32: { type: "boolean", default: false },
    "one-noise": { type: "boolean", default: false },
    "memory-format": { type: "string" },
    result: { type: "string" },
  },
});
oneOf("device", ["cpu", "cuda"]);
oneOf("precision", ["f32", "bf16"]);
if (flags["memory-format"]) oneOf("memory-format", ["contiguous", "channels-last"]);
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
  device: flags.device,
  precision: flags.precision,
  tf32: flags.tf32,
  memoryFormat: flags["memory-format"],
  oneNoise: flags["one-noise"],
};
const computation = computationOf({ ...settings, activationCheckpointing: false });
const peerFormat = flags["memory-format"] ?? "contiguous";
const formats = { memoryFormat: computation.memoryFormat, peerFormat };
/**
 * Largest relative difference of the first steps' figures. Auxiliary model and target start equal, so with short mantissas
 * their difference, and the student's gradient, is mostly rounding. Errors in the mathematics show in f32.
 */
const tolerances =
  flags.tf32 || flags.precision === "bf16"
    ? { loss: 0.02, gap: 1, gradientNorm: 1 }
    : { loss: 1e-3, gap: 1e-3, gradientNorm: 1e-3 };
const variants = {
  shared: { shared: true },
  "shared-one": { shared: true, oneNoise: true },
  "shared-last": { shared: true, memoryFormat: "channels-last" },
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
    if (!variants[name])
      throw new Error(`--peers: ${name} must be one of ${Object.keys(variants).join(", ")}`);
    peers[name] = new PythonPeer(flags.python, "distillation_step.py", threads);
    await requireSameVersion(peers[name], libtorchVersion());
  }
  const beforeKB = process.resourceUsage().maxRSS;
  const ours = distillation(folder);
  const figures = Array.from({ length: checkedSteps }, () => ours.step());
  const agreement = {};
  let counted, deviceName;
  for (const [name, peer] of Object.entries(peers)) {
    const request = {
      do: "create",
      name,
      teacher: folder,
      checkedSteps,
      ...settings,
      ...{ oneNoise: false, memoryFormat: peerFormat },
      ...variants[name],
    };
    const created = await peer.ask(request);
    deviceName = created.deviceName || undefined;
    const { shared, oneNoise = false } = variants[name];
    if (!shared || oneNoise !== flags["one-noise"]) continue;
    agreement[name] = requireAgreement(name, figures, created.figures);
    if (created.flops) counted = created;
  }
  console.log("largest relative difference of loss, gap and gradient norm:", agreement);
  const facts = { machine: { ...machine(), device: deviceName }, agreement };
  if (flags.check) await measureMemory(peers, facts);
  else await measure({ ours, peers, facts, counted, beforeKB });
  for (const peer of Object.values(peers)) peer.close();
  ours.dispose();
}

async function measure({ ours, peers, facts, counted, beforeKB }) {
  const { device } = settings;
  const run = (steps) => {
    for (let step = 0; step < steps; step++) ours.step();
  };
  const steps = flags.steps
    ? positive(flags, "steps")
    : Math.max(1, Math.round(seconds / timed(() => run(1), device)[device === "cpu" ? "processor" : "wall"]));
  const products = [];
  const times = { ours: [], ...Object.fromEntries(Object.keys(peers).map((name) => [name, []])) };
  for (let round = 0; round < rounds; round++) {
    if (device === "cpu") products.push(productRate());
    times.ours.push(timed(() => run(steps), device));
    for (const [name, peer] of Object.entries(peers))
      times[name].push(await peer.ask({ do: "run", name, steps }));
  }
  const peakMB = await peaks(peers);
  const floor = counted && products.length > 0 ? floors(counted, products) : undefined;
  const milliseconds = (name, clock) => times[name].map((time) => (time[clock] / steps) * 1000);
  const both = (make) => ({ wall: make("wall"), processor: make("processor") });
  const results = Object.fromEntries(
    Object.keys(times).map((name) => [
      name,
      {
        ...both((clock) => spread(milliseconds(name, clock))),
        peakMB: peakMB[name],
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
    ...Object.entries(results).map(([name, { processor, wall, speed, peakMB }]) => [
      name,
      withQuartiles(processor, 1),
      withQuartiles(wall, 1),
      speed ? withQuartiles(speed.processor) : "",
      speed ? withQuartiles(speed.wall) : "",
      peakMB.toFixed(0),
    ]),
  ]);
  if (floor)
    console.log(
      `floor: ${(floor.flops / 1e9).toFixed(2)} GFLOP per step at ${floor.productGflops.median.toFixed(1)} GFLOP/s ` +
        `(${floor.milliseconds.toFixed(1)} ms); ${floor.memoryMB.toFixed(0)} MB of weights, moments and one gradient`,
    );
  save(flags.result ?? `distillation-step-${flags.network}-${batchSize}`, {
    ...facts,
    settings: { ...settings, ...formats, rounds, stepsPerRound: steps, checkedSteps },
    residentBeforeNetworksMB: beforeKB / 1024,
    floor,
    results,
  });
}

/** For networks too large to be timed here: memory after the checked steps. */
async function measureMemory(peers, facts) {
  const peakMB = await peaks(peers);
  console.log("peak memory, MB:", peakMB);
  save(flags.result ?? `distillation-memory-${flags.network}-${batchSize}`, {
    ...facts,
    settings: { ...settings, ...formats, checkedSteps },
    peakMB,
  });
}

/** Peak memory of each process, MB: resident, on a GPU that of its tensors. */
async function peaks(peers) {
  const { device } = settings;
  const resident = 1024 * process.resourceUsage().maxRSS;
  const peakMB = { ours: (device === "cpu" ? resident : memoryStatistics(device).peak) / 2 ** 20 };
  for (const [name, peer] of Object.entries(peers))
    peakMB[name] = (await peer.ask({ do: "memory", name })).peakBytes / 2 ** 20;
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
 * Lower bounds of a step's time and memory: its operations at the rate of a matrix product, and four networks (student, its
 * average, auxiliary model, target), two networks' second moments and one network's gradient.
 */
function floors({ flops, parameters }, products) {
  const productGflops = spread(products);
  const milliseconds = flops / productGflops.median / 1e6;
  return { flops, productGflops, milliseconds, parameters, memoryMB: (7 * 4 * parameters) / 2 ** 20 };
}

function distillation(folder) {
  const network = () => computing(loadModel(folder).denoiser.to({ device: settings.device }), computation);
  const { sigmaInit, seed, oneNoise, ...rates } = settings;
  const teacher = network();
  return new Backtracking({
    ...rates,
    ...{ teacher, objective: new DiffInstruct({ oneNoise }) },
    student: new DenoiserStudent(network(), { sigmaInit, conditions: conditionsFor(teacher) }),
    iterations: Number.MAX_SAFE_INTEGER,
    execution: { seed },
  });
}

/** The largest relative difference: the first steps' figures show any difference in the mathematics. */
function requireAgreement(name, ours, theirs) {
  let largest = 0;
  for (const [step, figures] of theirs.entries())
    for (const [figure, value] of Object.entries(figures)) {
      // Auxiliary model and target are equal before the first update: with one noised batch there is no gap yet.
      if (flags["one-noise"] && step === 0 && figure !== "loss") continue;
      const difference = Math.abs(ours[step][figure] / value - 1);
      if (!(difference < tolerances[figure]))
        throw new Error(`${name}, step ${step}: ${figure} is ${ours[step][figure]} here, ${value} there`);
      largest = Math.max(largest, difference);
    }
  return largest;
}

/** @throws Error naming the flag, unless its value is one of these */
function oneOf(flag, values) {
  if (!values.includes(flags[flag]))
    throw new Error(`--${flag} must be ${values.join(" or ")}, not ${flags[flag]}`);
}
