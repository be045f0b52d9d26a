// One step of distillation (an update of the auxiliary model, one of the student) beside Diff-Instruct's released loop in
// Python's PyTorch: eager, and under torch.compile. Both sides start with the same weights and draw the same numbers; the
// script stops unless losses, gap and gradients agree.
// node bench/distillation-step.mjs [--python python3] [--network fashion-mnist-16|ddpm++] [--batch 16] [--rounds 9]
//   [--seconds 1] [--threads 1] [--peers shared,released,compiled] [--check]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { libtorchVersion, setNumThreads } from "@disback/torch";
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
    peers: { type: "string", default: "shared,released,compiled" },
    check: { type: "boolean", default: false },
  },
});
const [batchSize, rounds, seconds, threads] = ["batch", "rounds", "seconds", "threads"].map((name) =>
  positive(flags, name),
);
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
const checkedSteps = 3;
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
  for (const [name, peer] of Object.entries(peers)) {
    const request = { do: "create", name, teacher: folder, checkedSteps, ...settings, ...variants[name] };
    const theirs = (await peer.ask(request)).figures;
    if (variants[name].shared) agreement[name] = requireAgreement(name, figures, theirs);
  }
  console.log("largest relative difference of loss, gap and gradient norm:", agreement);
  if (!flags.check) await measure(ours, peers, agreement, beforeKB);
  for (const peer of Object.values(peers)) peer.close();
  ours.dispose();
}

async function measure(ours, peers, agreement, beforeKB) {
  const run = (steps) => {
    for (let step = 0; step < steps; step++) ours.step();
  };
  const steps = Math.max(1, Math.round(seconds / timed(() => run(1)).processor));
  const times = { ours: [], ...Object.fromEntries(Object.keys(peers).map((name) => [name, []])) };
  for (let round = 0; round < rounds; round++) {
    times.ours.push(timed(() => run(steps)));
    for (const [name, peer] of Object.entries(peers))
      times[name].push(await peer.ask({ do: "run", name, steps }));
  }
  const peakMB = { ours: process.resourceUsage().maxRSS / 1024 };
  for (const [name, peer] of Object.entries(peers))
    peakMB[name] = (await peer.ask({ do: "memory" })).peakKB / 1024;

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
  save(`distillation-step-${flags.network}-${batchSize}`, {
    machine: machine(),
    settings: { ...settings, rounds, stepsPerRound: steps, checkedSteps },
    agreement,
    residentBeforeNetworksMB: beforeKB / 1024,
    results,
  });
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
