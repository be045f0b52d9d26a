// One step of a student beside Python: images per second here, in eager PyTorch, and of our ONNX file in ONNX Runtime, in
// turns. All start with the same weights and latents; the script stops unless their samples agree.
// node bench/sampling-peers.mjs [--python python3, with torch and onnxruntime] [--network fashion-mnist-16|ddpm++]
//   [--batch 16] [--rounds 9] [--seconds 0.5, of a turn] [--threads 1]
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Generator, inferenceMode, libtorchVersion, scope, setNumThreads } from "@disback/torch";
import { DenoiserStudent } from "disback";
import { exportableModel, exportOnnx, loadModel } from "disback/models";
import { computing } from "../packages/disback/dist/models/computation.js";
import { computationOf } from "../packages/disback/dist/runs/computation.js";
import { networkNamed } from "./networks.mjs";
import { PythonPeer, requireSameVersion } from "./python.mjs";
import { machine, positive, printTable, ratios, save, spread, timed, withQuartiles } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    network: { type: "string", default: "fashion-mnist-16" },
    batch: { type: "string", default: "16" },
    rounds: { type: "string", default: "9" },
    seconds: { type: "string", default: "0.5" },
    threads: { type: "string", default: "1" },
  },
});
const [batch, rounds, seconds, threads] = ["batch", "rounds", "seconds", "threads"].map((name) =>
  positive(flags, name),
);
const seed = 1;
const sigmaInit = 2.5;
/** Largest difference of a number of a sample; samples are about -1 to 1. */
const tolerance = 1e-3;
const titles = {
  ours: "ours",
  eager: "eager PyTorch",
  "eager-last": "eager PyTorch, channels-last",
  onnx: "our ONNX file, ONNX Runtime",
};

setNumThreads(threads);
const temporary = mkdtempSync(join(tmpdir(), "sampling-peers-"));
try {
  await compare(networkNamed(flags.network, temporary));
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

async function compare(folder) {
  const { denoiser, config } = loadModel(folder);
  const onnx = join(temporary, "student.onnx");
  writeFileSync(onnx, onnxFile(denoiser, config));
  const draw = ourStudent(denoiser);
  const first = firstNumbers(draw);
  const peers = {};
  for (const name of Object.keys(titles).filter((name) => name !== "ours")) {
    peers[name] = new PythonPeer(flags.python, "sampling_peers.py", threads);
    await requireSameVersion(peers[name], libtorchVersion());
    const drawn = await peers[name].ask({
      ...{ do: "create", name, folder, onnx },
      ...{ batch, seed, sigmaInit, threads },
    });
    requireAgreement(name, first, drawn.first);
  }
  const repeats = Math.max(1, Math.round(seconds / timed(draw).processor));
  const times = Object.fromEntries(Object.keys(titles).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    times.ours.push(timed(() => repeated(draw, repeats)).processor);
    for (const [name, peer] of Object.entries(peers))
      times[name].push((await peer.ask({ do: "run", repeats })).processor);
  }
  for (const peer of Object.values(peers)) peer.close();
  report(times, repeats);
}

function report(times, repeats) {
  const results = Object.fromEntries(
    Object.entries(times).map(([name, turns]) => [
      name,
      {
        imagesPerSecond: spread(turns.map((time) => (repeats * batch) / time)),
        oursOverTheirs: ratios(turns, times.ours),
      },
    ]),
  );
  printTable([
    ["one step", "images per second of processor time", "ours / theirs"],
    ...Object.entries(results).map(([name, { imagesPerSecond, oursOverTheirs }]) => [
      titles[name],
      withQuartiles(imagesPerSecond, 1),
      name === "ours" ? "" : withQuartiles(oursOverTheirs),
    ]),
  ]);
  save(`sampling-peers-${flags.network}-${batch}`, {
    machine: machine(),
    settings: { network: flags.network, batch, rounds, repeats, threads, seed, sigmaInit },
    results,
  });
}

/** Draws a batch with the layout in which `disback sample` runs a network; the same latents each time. */
function ourStudent(denoiser) {
  const how = { device: "cpu", precision: "f32", tf32: false, activationCheckpointing: false };
  const student = new DenoiserStudent(computing(denoiser, computationOf(how)), { sigmaInit });
  const generator = new Generator(seed);
  const latents = student.latents(batch, generator);
  const condition = student.conditions.draw(batch, generator);
  return (use = () => {}) => inferenceMode(() => scope(() => void use(student.generate(latents, condition))));
}

function onnxFile(denoiser, config) {
  const kind = { kind: "denoiser", sigmaInit, laterSigmas: [] };
  return exportOnnx(exportableModel({ module: denoiser, facts: denoiser.facts, config }, kind));
}

function firstNumbers(draw) {
  let numbers;
  draw((samples) => {
    numbers = samples.flatten().narrow(0, 0, 100).toArray();
  });
  return numbers;
}

function repeated(draw, repeats) {
  for (let repeat = 0; repeat < repeats; repeat++) draw();
}

/** @throws Error naming the peer, unless it draws our samples */
function requireAgreement(name, ours, theirs) {
  const difference = Math.max(...ours.map((value, index) => Math.abs(value - theirs[index])));
  if (!(difference < tolerance)) throw new Error(`${name}: samples differ by ${difference}`);
}
