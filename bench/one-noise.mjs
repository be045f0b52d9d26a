// Diff-Instruct with one noised batch for both updates: the auxiliary model's estimate before its update serves the student's
// signal too, so that a step takes 7 passes through a network instead of 8. FID at equal processor seconds of training, beside
// the usual two batches: Fashion-MNIST 16x16, the shipped teacher, the settings of the preset `demo` without a trajectory.
// node bench/one-noise.mjs [--seeds 1,2,3] [--seconds 60] [--samples 5000] [--smoke]
// Rows are saved as they are made; a run that is started again goes on.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Generator, setNumThreads } from "@disback/torch";
import { Backtracking, DenoiserStudent, DiffInstruct, openDenoiser } from "disback";
import { evaluate, loadShippedExtractor, loadShippedReference } from "disback/metrics";
import { computing } from "../packages/disback/dist/models/computation.js";
import { machine, positive, printTable, save, spread } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    seeds: { type: "string", default: "1,2,3" },
    seconds: { type: "string", default: "60" },
    samples: { type: "string", default: "5000" },
    smoke: { type: "boolean", default: false },
  },
});
const seconds = flags.smoke ? 2 : positive(flags, "seconds");
const samples = flags.smoke ? 200 : positive(flags, "samples");
const name = flags.smoke ? "one-noise-smoke" : "one-noise";
const settings = { batchSize: 64, studentLearningRate: 5e-4, auxiliaryLearningRate: 1e-3, emaDecay: 0.98 };
const EXTRACTOR = "fashion-mnist-16-classifier";

const ways = { "two batches": false, "one batch": true };
setNumThreads(1);
const extractor = loadShippedExtractor(EXTRACTOR);
const reference = loadShippedReference(EXTRACTOR);
const rows = before();
for (const seed of flags.seeds.split(",").map(Number))
  for (const way of Object.keys(ways)) {
    if (rows.some((row) => row.seed === seed && row.way === way && row.seconds === seconds)) continue;
    rows.push(await train(seed, way));
    console.log(JSON.stringify(rows.at(-1)));
    save(name, { machine: machine(), settings: { ...settings, samples }, rows, differences: differences() });
  }
printTable([
  ["FID", ...rows.map(({ seed, way }) => `${way}, seed ${seed}`)],
  ["half of the time", ...rows.map(({ fids }) => fids[0].toFixed(2))],
  ["all of it", ...rows.map(({ fids }) => fids[1].toFixed(2))],
  ["steps", ...rows.map(({ steps }) => steps)],
]);

/** Trains for so many processor seconds; judging does not count. */
async function train(seed, way) {
  const { module: teacher } = await openDenoiser("fashion-mnist-16", { device: "cpu" });
  const how = { precision: "f32", memoryFormat: "channels-last", activationCheckpointing: false };
  const student = new DenoiserStudent(computing(teacher.clone(), how), { sigmaInit: 2.5 });
  const distillation = new Backtracking({
    ...settings,
    ...{ teacher: computing(teacher, how), student, objective: new DiffInstruct({ oneNoise: ways[way] }) },
    ...{ iterations: Number.MAX_SAFE_INTEGER, execution: { seed } },
  });
  const fids = [];
  let [spent, steps] = [0, 0];
  for (const until of [seconds / 2, seconds]) {
    for (; spent < until; steps++) {
      const began = cpuSeconds();
      distillation.step();
      spent += cpuSeconds() - began;
    }
    fids.push(await judge(distillation.average));
  }
  const { captureObstacle } = distillation;
  if (captureObstacle) throw new Error(`${way}: steps ran plainly: ${captureObstacle}`);
  distillation.dispose();
  return { seed, way, seconds, steps, milliseconds: Math.round((1000 * spent) / steps), fids };
}

async function judge(student) {
  const random = new Generator(99);
  student.module.eval();
  const generate = (count) =>
    student.generate(student.latents(count, random), student.conditions.draw(count, random));
  const { fid } = await evaluate({ generate, count: samples, extractor, reference });
  return Number(fid.toFixed(3));
}

/** One batch's FID minus two batches', seed by seed. */
function differences() {
  const found = (seed, way) => rows.find((row) => row.seed === seed && row.way === way);
  const pairs = rows
    .filter(({ way, seed }) => way === "one batch" && found(seed, "two batches"))
    .map((row) => row.fids.map((fid, at) => fid - found(row.seed, "two batches").fids[at]));
  return { half: spread(pairs.map(([half]) => half)), whole: spread(pairs.map(([, whole]) => whole)) };
}

function before() {
  if (flags.smoke) return [];
  try {
    return JSON.parse(readFileSync(new URL(`results/${name}.json`, import.meta.url), "utf8")).rows;
  } catch {
    return [];
  }
}

function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
