// Other people's teachers: galaxygrad's score networks of galaxies, distilled to one step by the command line and
// judged beside the teacher's own spread. docs/galaxies.md tells it as a tutorial.
//
//   node bench/galaxies.mjs [--teachers hsc32,quasar72] [--seeds 1,2,3] [--smoke]
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
    iterations: { type: "string", default: "500" },
    batch: { type: "string", default: "64" },
    /** noise level of the student's only step */
    sigma: { type: "string", default: "2.5" },
    /** learning rate of the student; the auxiliary model's is twice that */
    rate: { type: "string", default: "3e-4" },
    /** of each set that is compared */
    samples: { type: "string", default: "1000" },
    threads: { type: "string", default: "1" },
    python: { type: "string", default: "python3" },
  },
});
const sizes = flags.smoke
  ? { iterations: 3, batch: 4, samples: 8, teacherSteps: 3 }
  : {
      iterations: number("iterations"),
      batch: number("batch"),
      samples: number("samples"),
      teacherSteps: 18,
    };
const program = fileURLToPath(new URL("../packages/disback/dist/cli/main.js", import.meta.url));
const folder = fileURLToPath(new URL(`galaxies/work/${flags.smoke ? "smoke" : "full"}/`, import.meta.url));
const seeds = flags.seeds.split(",").map(Number);
setNumThreads(number("threads"));

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
  const results = await distilled(teacher);
  print(teacher, results);
  const { student, rate, sigma } = flags;
  const settings = {
    ...{ package: PACKAGE, teacher, student, sigma: Number(sigma), rate: Number(rate) },
    ...sizes,
  };
  if (!flags.smoke) save(`galaxies-${teacher}`, { machine: machine(), settings, results });
}

/** Two sets of the teacher against each other, the start, and each seed's student, all against the first set. */
async function distilled(teacher) {
  const source = module(teacher);
  const reference = await drawn(source, { name: `${teacher}-a`, seed: 11 });
  const spread = compare(await drawn(source, { name: `${teacher}-b`, seed: 12 }), reference);
  const { teacherSteps } = sizes;
  const finer = {
    name: `${teacher}-finer`,
    seed: 11,
    steps: 2 * teacherSteps,
    samples: Math.min(100, sizes.samples),
  };
  const few = await drawn(source, finer);
  const twiceTheSteps = compare(few, reference.narrow(0, 0, few.shape[0]));
  const start = compare(await firstSamples(source), reference);
  const students = [];
  for (const seed of seeds) {
    const { iterations, batch } = sizes;
    const name = `${teacher}-${flags.student}-${flags.sigma}-${flags.rate}-${iterations}x${batch}-seed-${seed}`;
    const run = join(folder, name);
    distill(source, seed, setFile({ name: `${teacher}-a` }), run);
    const student = await drawn(run, { name, seed: 21, steps: 1 });
    students.push({ seed, ...compare(student, reference), curve: curveOf(run) });
  }
  return { spread, twiceTheSteps, start, students };
}

function distill(teacher, seed, data, out) {
  if (existsSync(join(out, "student"))) return;
  const settings = [
    `evaluation.every=${Math.ceil(sizes.iterations / 5)} evaluation.samples=${Math.min(500, sizes.samples)}`,
    `evaluation.teacher=false checkpoints.every=${Math.ceil(sizes.iterations / 10)}`,
  ];
  const rate = number("rate");
  const student = flags.student === "same" ? "same" : module(flags.student);
  disback(
    ...["distill", "--teacher", teacher, "--student", student, "--data", data, "--out", out],
    ...[
      "--sigma-init",
      flags.sigma,
      "--iterations",
      sizes.iterations,
      "--batch-size",
      sizes.batch,
      "--seed",
      seed,
    ],
    ...["--learning-rate", rate, "--auxiliary-learning-rate", 2 * rate, "--force"],
    ...["--set", ...settings.join(" ").split(" ")],
  );
}

/** Other sizes are other files: what lies there is used again. */
function setFile({ name, steps = sizes.teacherSteps, samples = sizes.samples }) {
  return join(folder, `${name}-${samples}-${steps}.npz`);
}

/** Samples of a teacher or a student's run, drawn once. */
async function drawn(source, { name, seed, steps = sizes.teacherSteps, samples = sizes.samples }) {
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
async function firstSamples(source) {
  const { module, facts } = await (await import(source)).default();
  const latents = randn([sizes.samples, ...facts.sampleShape], { generator: new Generator(21) });
  const sigma = number("sigma");
  return inferenceMode(() => module.denoise(latents.mul(sigma), ops.full([sizes.samples], sigma)));
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

function print(teacher, { spread, twiceTheSteps, start, students }) {
  const evaluations = 2 * sizes.teacherSteps - 1;
  const row = (name, nfe, figures) =>
    [
      ...[name, nfe, figures.distance, figures.flux, figures.peak, figures.medianFlux, figures.medianPeak],
    ].map((cell) => (typeof cell === "number" && !Number.isInteger(cell) ? cell.toFixed(3) : cell));
  console.log(`\n${teacher}: distances to a set of ${sizes.samples} of the teacher's samples`);
  printTable([
    ["", "NFE", "sliced Wasserstein", "total flux", "peak", "median flux", "median peak"],
    row("teacher, another set", evaluations, spread),
    row("teacher, same latents, twice the steps", 2 * evaluations + 1, twiceTheSteps),
    row("student at start", 1, start),
    ...students.map(({ seed, ...figures }) => row(`student, seed ${seed}`, 1, figures)),
  ]);
}

function number(name) {
  return positive(flags, name);
}
