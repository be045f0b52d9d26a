// Other people's teachers: galaxygrad's score networks of galaxies, distilled to one step by the command line and
// judged beside the teacher's own spread. docs/galaxies.md tells it as a tutorial.
//
//   node bench/galaxies.mjs [--teachers hsc32,quasar72] [--seeds 1,2,3] [--smoke] and the settings below
//   node bench/galaxies.mjs --install       fetches the weights and does nothing else
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Generator, inferenceMode, ops, randn, setNumThreads } from "@disback/torch";
import { compare, readSamples } from "./galaxies/figures.mjs";
import { install, PACKAGE } from "./galaxies/install.mjs";
import { machine, positive, printTable, save } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    install: { type: "boolean", default: false },
    /** every step of the way with tiny sizes, in seconds; its figures mean nothing */
    smoke: { type: "boolean", default: false },
    teachers: { type: "string", default: "hsc32,quasar72" },
    seeds: { type: "string", default: "1" },
    /** same, or an ES module */
    student: { type: "string", default: "same" },
    iterations: { type: "string" },
    batch: { type: "string" },
    /** noise level of the student's only step */
    sigma: { type: "string" },
    /** learning rate of the student */
    rate: { type: "string" },
    "auxiliary-rate": { type: "string" },
    /** of each set that is compared */
    samples: { type: "string" },
    threads: { type: "string", default: "1" },
    python: { type: "string", default: "python3" },
  },
});
/** What the figures of docs/galaxies.md were made with; flags override it. */
const defaults = {
  hsc32: { sigma: 5, rate: 1e-4, "auxiliary-rate": 4e-4, iterations: 220, batch: 64, samples: 1000 },
  quasar72: { sigma: 15, rate: 2.5e-5, "auxiliary-rate": 1e-4, iterations: 120, batch: 16, samples: 200 },
};
const unknown = flags.teachers.split(",").find((name) => !(name in defaults));
if (unknown) throw new Error(`--teachers: ${unknown} is none of ${Object.keys(defaults).join(", ")}`);
const tiny = { iterations: 3, batch: 4, samples: 8 };
const teacherSteps = flags.smoke ? 3 : 18;
const program = fileURLToPath(new URL("../packages/disback/dist/cli/main.js", import.meta.url));
const folder = fileURLToPath(new URL(`galaxies/work/${flags.smoke ? "smoke" : "full"}/`, import.meta.url));
const seeds = flags.seeds.split(",").map(Number);
/** Shorter than the default: these are short runs. */
const emaDecay = 0.98;
setNumThreads(positive(flags, "threads"));

try {
  install(flags.python);
} catch (error) {
  console.error(`galaxies: ${error.message}`);
  process.exit(1);
}
if (flags.install) process.exit(0);
if (flags.smoke) rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const teacher of flags.teachers.split(",")) {
  const settings = settingsOf(teacher);
  const results = await distilled(teacher, settings);
  print(teacher, settings, results);
  const { student } = flags;
  const all = { package: PACKAGE, teacher, student, teacherSteps, emaDecay, ...settings };
  if (!flags.smoke) save(`galaxies-${teacher}`, { machine: machine(), settings: all, results });
}

function settingsOf(teacher) {
  const usual = { ...defaults[teacher], ...(flags.smoke ? tiny : {}) };
  return Object.fromEntries(
    Object.entries(usual).map(([name, value]) => [name, flags[name] ? positive(flags, name) : value]),
  );
}

/**
 * A second set of the teacher, the start, and each seed's student, all compared with the first set. The run sees the
 * second one: it keeps the student that is nearest to it.
 */
async function distilled(teacher, settings) {
  const source = module(teacher);
  const { samples, sigma, rate, iterations, batch } = settings;
  const reference = await drawn(source, { name: `${teacher}-a`, seed: 11, samples });
  const second = { name: `${teacher}-b`, seed: 12, samples };
  const spread = compare(await drawn(source, second), reference);
  const steps = 2 * teacherSteps;
  const finer = { name: `${teacher}-finer`, seed: 11, steps, samples: Math.min(100, samples) };
  const few = await drawn(source, finer);
  const twiceTheSteps = compare(few, reference.narrow(0, 0, few.shape[0]));
  const start = compare(await firstSamples(source, settings), reference);
  const students = [];
  for (const seed of seeds) {
    const rates = `${rate}-${settings["auxiliary-rate"]}`;
    const name = `${teacher}-${flags.student}-${sigma}-${rates}-${iterations}x${batch}-seed-${seed}`;
    const run = join(folder, name);
    distill(source, { ...settings, seed, data: setFile(second), out: run });
    const best = await drawn(join(run, "student-best"), { name, seed: 21, steps: 1, samples });
    students.push({ seed, ...compare(best, reference), curve: curveOf(run) });
  }
  return { spread, twiceTheSteps, start, students };
}

function distill(teacher, { seed, data, out, sigma, rate, iterations, batch, samples, ...others }) {
  if (existsSync(join(out, "student"))) return;
  const student = flags.student === "same" ? "same" : module(flags.student);
  disback(
    ...["distill", "--teacher", teacher, "--student", student, "--data", data, "--out", out, "--force"],
    ...["--sigma-init", sigma, "--iterations", iterations, "--batch-size", batch, "--seed", seed],
    ...["--learning-rate", rate, "--auxiliary-learning-rate", others["auxiliary-rate"], "--set"],
    ...[`backtracking.emaDecay=${emaDecay}`, `evaluation.every=${Math.ceil(iterations / 11)}`],
    ...[`evaluation.samples=${Math.min(500, samples)}`, "evaluation.teacher=false"],
    `checkpoints.every=${Math.ceil(iterations / 5)}`,
  );
}

/** Other sizes are other files: what lies there is used again. */
function setFile({ name, steps = teacherSteps, samples }) {
  return join(folder, `${name}-${samples}-${steps}.npz`);
}

/** Samples of a teacher or a student, drawn once. */
async function drawn(source, { name, seed, steps = teacherSteps, samples }) {
  const file = setFile({ name, steps, samples });
  const stepFlags = steps === 1 ? [] : ["--steps", steps];
  const batch = Math.min(100, samples);
  if (!existsSync(file))
    disback(
      ...["sample", source, "--count", samples, "--batch-size", batch, "--seed", seed, ...stepFlags],
      ...["--out", file],
    );
  return readSamples(file);
}

/** Samples of the teacher's network in the student's place, before any training. */
async function firstSamples(source, { samples, sigma }) {
  const { module, facts } = await (await import(source)).default();
  const latents = randn([samples, ...facts.sampleShape], { generator: new Generator(21) });
  return inferenceMode(() => module.denoise(latents.mul(sigma), ops.full([samples], sigma)));
}

function curveOf(run) {
  const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").trim().split("\n").map(JSON.parse);
  return lines
    .filter(({ slicedWasserstein }) => slicedWasserstein !== undefined)
    .map(({ stage, iteration, slicedWasserstein }) => ({ stage, iteration, slicedWasserstein }));
}

function disback(...words) {
  const { status } = spawnSync(
    process.execPath,
    [program, ...words.map(String), "--threads", flags.threads],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  if (status !== 0) throw new Error(`disback ${words[0]} ended with code ${status}`);
}

function module(name) {
  return fileURLToPath(new URL(`galaxies/${name}.mjs`, import.meta.url));
}

function print(teacher, { samples }, { spread, twiceTheSteps, start, students }) {
  const evaluations = 2 * teacherSteps - 1;
  const row = (name, nfe, figures) =>
    [
      ...[name, nfe, figures.distance, figures.flux, figures.peak, figures.medianFlux, figures.medianPeak],
    ].map((cell) => (typeof cell === "number" && !Number.isInteger(cell) ? cell.toFixed(3) : cell));
  console.log(`\n${teacher}: distances to a set of ${samples} of the teacher's samples`);
  printTable([
    ["", "NFE", "sliced Wasserstein", "total flux", "peak", "median flux", "median peak"],
    row("teacher, another set", evaluations, spread),
    row("teacher, same latents, twice the steps", 2 * evaluations + 1, twiceTheSteps),
    row("student at start", 1, start),
    ...students.map(({ seed, ...figures }) => row(`student, seed ${seed}`, 1, figures)),
  ]);
}
