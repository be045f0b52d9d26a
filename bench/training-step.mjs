// The training step of a small U-Net (forward, backward, Adam), beside the same in Python's PyTorch, eager: with its
// fused Adam, which is the operator we call too, and with the Adam it takes unless told otherwise.
// node bench/training-step.mjs [--python python3] [--rounds 15] [--seconds 0.5] [--threads 1] [--size small|tiny]
import { parseArgs } from "node:util";
import { libtorchVersion, manualSeed, setNumThreads } from "@disback/torch";
import { PythonPeer, requireSameVersion } from "./python.mjs";
import { machine, positive, printTable, ratios, save, spread, timed, withQuartiles } from "./report.mjs";
import { sizeNamed, sizes, Training } from "./unet.mjs";

const { values: flags } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    rounds: { type: "string", default: "15" },
    seconds: { type: "string", default: "0.5" },
    threads: { type: "string", default: "1" },
    size: { type: "string", multiple: true, default: Object.keys(sizes) },
  },
});
const rounds = positive(flags, "rounds");
const seconds = positive(flags, "seconds");
const threads = positive(flags, "threads");
const seed = 1;
const checkedSteps = 5;

setNumThreads(threads);
const peer = new PythonPeer(flags.python, "training_step.py", threads);
const version = await requireSameVersion(peer, libtorchVersion());
const results = {};
for (const name of flags.size) results[name] = await compare(name, sizeNamed(name));
peer.close();

printTable([
  ["one step, median (quartiles)", "milliseconds", "processor ms", "ours / theirs", "by processor time"],
  ...Object.entries(results).flatMap(([name, { ours, fused, standard, ratio }]) => [
    [`${name}, ours`, withQuartiles(ours.wall), withQuartiles(ours.processor), "", ""],
    row(`${name}, PyTorch ${version}, fused Adam`, fused, ratio.fused),
    row(`${name}, PyTorch ${version}, default Adam`, standard, ratio.standard),
  ]),
]);
const settings = { rounds, seconds, threads, seed, sizes };
save("training-step", { machine: machine(), settings, results });

async function compare(name, size) {
  manualSeed(seed);
  const training = new Training(size);
  for (let step = 0; step < checkedSteps; step++) training.step();
  const request = { do: "create", size, seed, threads, steps: checkedSteps };
  const fused = await peer.ask({ ...request, name: "fused", fused: true });
  const standard = await peer.ask({ ...request, name: "standard", fused: false });
  const losses = {
    steps: checkedSteps,
    ours: training.loss.item(),
    fused: fused.loss,
    standard: standard.loss,
  };
  if (Math.abs(losses.ours / losses.fused - 1) > 1e-4)
    throw new Error(`${name}: after ${checkedSteps} steps the losses differ: ${JSON.stringify(losses)}`);

  const steps = stepsFor(training);
  const times = { ours: [], fused: [], standard: [] };
  for (let round = 0; round < rounds; round++) {
    times.ours.push(timed(() => run(training, steps)));
    for (const kind of ["fused", "standard"])
      times[kind].push(await peer.ask({ do: "run", name: kind, steps }));
  }
  training.dispose();
  const pick = (kind, clock) => times[kind].map((time) => (time[clock] / steps) * 1000);
  const both = (make) => ({ wall: make("wall"), processor: make("processor") });
  return {
    losses,
    stepsPerRound: steps,
    ours: both((clock) => spread(pick("ours", clock))),
    fused: both((clock) => spread(pick("fused", clock))),
    standard: both((clock) => spread(pick("standard", clock))),
    ratio: {
      fused: both((clock) => ratios(pick("ours", clock), pick("fused", clock))),
      standard: both((clock) => ratios(pick("ours", clock), pick("standard", clock))),
    },
  };
}

function run(training, steps) {
  for (let step = 0; step < steps; step++) training.step();
}

/** How many steps take about the wanted seconds, after warming up. */
function stepsFor(training) {
  const trial = 10;
  run(training, trial);
  return Math.max(1, Math.round((seconds * trial) / timed(() => run(training, trial)).wall));
}

function row(label, times, ratio) {
  const columns = [times.wall, times.processor, ratio.wall, ratio.processor];
  return [label, ...columns.map((column) => withQuartiles(column))];
}
