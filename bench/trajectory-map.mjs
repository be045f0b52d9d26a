// Where a trajectory pays: noise range x student x part of the trajectory, in the plane. Modes, distance, and the speed-up
// to the level that plain Diff-Instruct ends with, in processor time with the recording counted.
//   node bench/trajectory-map.mjs [--seeds 1,2,3] [--iterations 300] [--only REGEX] [--smoke]
// Rows that bench/results/trajectory-map.json has already (same settings) are not measured again, so it can be stopped.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Generator, inferenceMode, Linear, Module, ops, scope, setNumThreads } from "@disback/torch";
import {
  Backtracking,
  DenoiserStudent,
  DenoisingFit,
  DiffInstruct,
  GeneratorStudent,
  LogNormal,
  measureReach,
  record,
  TrustRegion,
} from "disback";
import { openDataset } from "disback/data";
import { slicedWasserstein } from "disback/metrics";
import { createDenoiser, loadModel } from "disback/models";
import { machine, save } from "./report.mjs";

setNumThreads(1);
const { values: flags } = parseArgs({
  options: {
    seeds: { type: "string", default: "1,2,3" },
    iterations: { type: "string", default: "300" },
    only: { type: "string", default: "" },
    smoke: { type: "boolean", default: false },
  },
});
const iterations = flags.smoke ? 4 : Number(flags.iterations);
const seeds = flags.smoke ? [1] : flags.seeds.split(",").map(Number);
const samples = flags.smoke ? 200 : 2000;
const settings = {
  iterations,
  batchSize: 128,
  studentLearningRate: 5e-4,
  auxiliaryLearningRate: 1e-3,
  recording: 1e-3,
};
const every = Math.max(1, Math.round(iterations / 12));
const folder = fileURLToPath(new URL("../packages/disback/assets/teachers/2d-ring", import.meta.url));
const { denoiser: teacher, config } = loadModel(folder);

const ranges = { "N(-3, 0.6)": [-3, 0.6], "N(-2, 0.6)": [-2, 0.6], "N(-1.2, 1.2)": [-1.2, 1.2] };
const methods = ["plain", "start", "targets", "whole", "whole-20"];

/** A generator from 8 numbers, of the teacher's width. */
class Generating extends Module {
  latentShape = [8];
  constructor(seed) {
    super();
    const generator = new Generator(seed);
    this.first = new Linear(8, 128, { generator });
    this.second = new Linear(128, 128, { generator });
    this.last = new Linear(128, 2, { generator });
  }
  generate(z) {
    const hidden = ops.silu(this.second.forward(ops.silu(this.first.forward(z))));
    return this.last.forward(hidden);
  }
}
const denoiser = (network) => new DenoiserStudent(network, { sigmaInit: 2.5 });
const students = {
  copy: () => denoiser(teacher.clone()),
  untrained: (seed) => denoiser(createDenoiser(config, { generator: new Generator(seed) })),
  small: (seed) =>
    denoiser(createDenoiser({ ...config, hiddenChannels: 64 }, { generator: new Generator(seed) })),
  generator: (seed) => new GeneratorStudent(new Generating(seed), { facts: teacher.facts }),
};

const ring = await openDataset("toy:ring?modes=8&count=4000&seed=7");
const { samples: real } = await ring.batch(Array.from({ length: samples }, (_, k) => k));
const centers = Array.from({ length: 8 }, (_, k) => [
  Math.cos((k * Math.PI) / 4),
  Math.sin((k * Math.PI) / 4),
]);

const earlier = new URL("results/trajectory-map.json", import.meta.url);
const known = !flags.smoke && existsSync(earlier) ? JSON.parse(readFileSync(earlier, "utf8")) : undefined;
const rows = JSON.stringify(known?.settings) === JSON.stringify(settings) ? known.rows : [];
const wanted = new RegExp(flags.only);
for (const seed of seeds)
  for (const [range, [mean, deviation]] of Object.entries(ranges))
    for (const student of Object.keys(students)) {
      const noise = new LogNormal(mean, deviation);
      let reach;
      for (const method of methods) {
        const key = { range, student, method, seed };
        if (!wanted.test(Object.values(key).join(" "))) continue;
        if (rows.some((row) => Object.entries(key).every(([name, value]) => row[name] === value))) continue;
        reach ??= measureReach({
          teacher,
          student: students[student](seed),
          levels: noise,
          samples: 256,
          seed,
        }).ratio;
        const row = { ...key, reach, ...measure(students[student](seed), noise, method, seed) };
        rows.push(row);
        console.log(JSON.stringify({ ...row, curve: undefined }));
        if (!flags.smoke) save("trajectory-map", { machine: machine(), settings, rows });
      }
    }
console.log(`${rows.length} runs`);

/** One distillation. @returns the curve of what is evaluated, with the processor seconds at each point */
function measure(student, noise, method, seed) {
  const place = mkdtempSync(join(tmpdir(), "disback-map-"));
  const execution = { seed };
  const fit = new DenoisingFit(noise);
  let began = process.cpuUsage();
  const used = () => {
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1e6;
  };
  const common = {
    teacher,
    student,
    fit,
    folder: join(place, "path"),
    learningRate: settings.recording,
    execution,
  };
  const finer = method === "whole-20" ? { nodes: new TrustRegion(20) } : {};
  const trajectory =
    method === "plain"
      ? undefined
      : record({ ...common, ...finer, steps: flags.smoke ? 40 : 200, batchSize: settings.batchSize });
  const recordingSeconds = used();
  const work = new Backtracking({
    ...{ teacher, student, trajectory, execution, objective: new DiffInstruct({ noise }) },
    ...settings,
    use: method === "start" || method === "targets" ? method : "whole",
  });
  let seconds = recordingSeconds;
  const curve = [{ iteration: 0, seconds, ...judge(work.average) }];
  while (!work.finished) {
    began = process.cpuUsage();
    work.step();
    seconds += used();
    if (work.iteration % every === 0)
      curve.push({ iteration: work.iteration, seconds, ...judge(work.average) });
  }
  const nodes = trajectory?.nodes.length ?? 0;
  work.dispose();
  rmSync(place, { recursive: true });
  const { modes, distance, onModes } = curve.at(-1);
  return {
    nodes,
    recordingSeconds,
    seconds,
    modes,
    distance,
    onModes,
    most: Math.max(...curve.map((p) => p.modes)),
    curve,
  };
}

/** Modes with at least a tenth of their share, the share of samples on a mode, and the distance to the data. */
function judge(student) {
  return scope(() => {
    const made = inferenceMode(() => student.generate(student.latents(samples, new Generator(77)))).clone();
    const counts = Array(8).fill(0);
    for (const [x, y] of made.toArray()) {
      const mode = centers.findIndex(([a, b]) => Math.hypot(x - a, y - b) < 0.15);
      if (mode >= 0) counts[mode]++;
    }
    return {
      modes: counts.filter((count) => count >= samples / 80).length,
      onModes: counts.reduce((sum, count) => sum + count, 0) / samples,
      distance: slicedWasserstein(made, real, { projections: 64 }),
    };
  });
}
