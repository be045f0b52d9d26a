// Every objective at its own best rates for equal processor seconds: the settings of `disback compare --preset objectives-*`,
// run in one process, because a process for each of so many short runs takes longer than the runs.
//   node bench/ranking.mjs [--tasks ring,grid] [--students same,small] [--objectives sid,dmd] [--seeds 1] [--half]
//     [--minutes 8] [--seconds N] [--data IMAGES] [--reference IMAGES] [--memory] [--smoke]
// Tasks: ring, grid, checkerboard; fashion-mnist-16 and cifar10-16 with --data; galaxies, whose teacher needs
// `node bench/galaxies.mjs --install`, and whose small student is small32.mjs. Rates: 1e-3 first, then its neighbours by factors of
// about 3 until none is better, on seed 101 and for half the budget; on images those that come out alike run the whole budget on
// that seed; the auxiliary model learns twice as fast. Rows that bench/results/ranking.json has already are not run again; they
// name their machine. Teachers of the grid and the checkerboard are trained first, a minute, and galaxies drawn, in runs/ranking.
// --memory measures the peak of a process for each objective instead.
// bench/ranking-picture.mjs makes the tables and the plot.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cat, keep, scope, setNumThreads } from "@disback/torch";
import { imitate } from "disback";
import { convergenceScore, withCosts } from "disback/runs";
import { planRuns } from "../packages/disback/dist/runs/compare/plan.js";
import { comparePresets } from "../packages/disback/dist/runs/compare/presets.js";
import { DivergenceWatch } from "../packages/disback/dist/runs/divergence.js";
import {
  drawingOptions,
  judgeDrawer,
  openTrainingJudge,
} from "../packages/disback/dist/runs/jobs/judging.js";
import { openNetworks, studentOf } from "../packages/disback/dist/runs/jobs/networks.js";
import { createTraining } from "../packages/disback/dist/runs/jobs/training.js";
import { silent } from "../packages/disback/dist/runs/progress.js";
import { decodedDrawer, samplerOf, studentDrawer } from "../packages/disback/dist/runs/sample-drawer.js";
import { compareSchema } from "../packages/disback/dist/runs/settings/compare.js";
import { StepTime } from "../packages/disback/dist/runs/step-time.js";
import { Processes } from "../packages/disback/dist/training/processes.js";
import { compare as compareGalaxies, readSamples } from "./galaxies/figures.mjs";
import { machine } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    tasks: { type: "string" },
    students: { type: "string" },
    objectives: { type: "string" },
    seeds: { type: "string" },
    /** processor seconds of a reported run, at the rates found for the preset's, which is the default */
    seconds: { type: "string" },
    /** stop after so many; the same command goes on */
    minutes: { type: "string", default: "1000" },
    /** images, for fashion-mnist-16 or cifar10-16 */
    data: { type: "string" },
    /** images to judge by; default those */
    reference: { type: "string" },
    /** after the first seed only the better half, by the end's figure */
    half: { type: "boolean", default: false },
    memory: { type: "boolean", default: false },
    /** every step of the way in seconds, nothing is written; its figures mean nothing */
    smoke: { type: "boolean", default: false },
    /** of a process that measures its memory */
    peak: { type: "string" },
  },
});
setNumThreads(1);
const until = performance.now() + 60_000 * Number(flags.minutes);
const file = new URL("results/ranking.json", import.meta.url);
const known = existsSync(file) && !flags.smoke ? JSON.parse(readFileSync(file, "utf8")) : {};
const { machines = [], teachers = {}, rows = [], memory = {} } = known;
const list = (text, all) => text?.split(",") ?? all;
/** Difference of scores, which are means of the figure's logarithm: about a tenth of the FID at the end. */
const ALIKE = 0.05;
const RATES = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2];
const PLANE = ["ring", "grid", "checkerboard"];
const COMMANDS = fileURLToPath(new URL("../packages/disback/dist/cli/main.js", import.meta.url));
const GALAXIES = fileURLToPath(new URL("galaxies/hsc32.mjs", import.meta.url));
const SMALL_GALAXIES = fileURLToPath(new URL("galaxies/small32.mjs", import.meta.url));
/** Evaluations, as shares of the budget; fewer where rates are chosen, and where they take long. */
const MOMENTS = [1 / 8, 1 / 4, 1 / 2, 3 / 4, 1];
const FEW_MOMENTS = [1 / 2, 1];
const momentsOf = (task, isReported) =>
  PLANE.includes(task) ? (isReported ? MOMENTS : FEW_MOMENTS) : isReported ? FEW_MOMENTS : [1];
/** Figures of students before their first step. */
const starts = new Map();
/** Students of a seed that have imitated their teacher: weights and the processor seconds that it took. */
const imitations = new Map();
const context = {
  ...{ progress: silent, processes: new Processes(), interruption: { requested: false } },
  run: { path: fileURLToPath(new URL("../runs/ranking", import.meta.url)) },
};

if (flags.peak) await measurePeak(flags.peak);
else if (flags.memory) measureMemory();
else await rank();

async function rank() {
  const opened = new Map();
  const open = async (task) => {
    if (!opened.has(task)) {
      const settings = settingsOf(task);
      opened.set(task, { task, settings, ...(await openJudge(settings)) });
    }
    return opened.get(task);
  };
  for (const task of list(flags.tasks, flags.smoke ? ["ring"] : PLANE)) {
    const { settings } = await open(task);
    if (!teachers[task]) {
      teachers[task] = await judgeTeacher(await open(task));
      if (!flags.smoke) write();
    }
    const objectives = list(flags.objectives, Object.keys(settings.methods));
    for (const student of list(flags.students, flags.smoke ? ["small"] : settings.students)) {
      const perform = async (objective, rate, seed, share) =>
        rowOf({ task, student, objective }, await open(task), rate, seed, share);
      const rates = new Map();
      const choose = async (objective) => {
        const [seed] = settings.learningRates.seeds;
        const share = searchedShare(task, objective);
        const trial = (rate) => perform(objective, rate, seed, share);
        const whole = PLANE.includes(task) ? undefined : (rate) => perform(objective, rate, seed, 1);
        const rate = flags.smoke ? 1e-3 : await bestRate(trial, whole);
        rates.set(objective, rate);
        dropOtherRates({ task, student, objective }, rate, settings.seeds);
      };
      // Seed by seed, so that other work on the machine meets all objectives.
      let chosen = objectives;
      for (const seed of list(flags.seeds, flags.smoke ? [1] : settings.seeds).map(Number)) {
        const ends = new Map();
        for (const objective of chosen) {
          if (!rates.has(objective)) await choose(objective);
          const { end } = await perform(objective, rates.get(objective), seed, 1);
          ends.set(objective, end?.fid ?? end?.slicedWasserstein ?? Number.POSITIVE_INFINITY);
        }
        if (flags.half && chosen === objectives)
          chosen = [...objectives].sort((a, b) => ends.get(a) - ends.get(b)).slice(0, objectives.length / 2);
      }
    }
  }
}

/** Share of the budget for which rates are tried. On images the half would be over when regression has drawn its pairs. */
function searchedShare(task, objective) {
  return objective === "regression" && !PLANE.includes(task) ? 0.75 : 0.5;
}

/** Reported rows at rates that are not the best any more. */
function dropOtherRates(place, rate, seeds) {
  for (let index = rows.length - 1; index >= 0; index--) {
    const row = rows[index];
    if (isOf(row, place) && row.rate !== rate && seeds.includes(row.seed)) rows.splice(index, 1);
  }
}

function isOf(row, place) {
  return Object.entries(place).every(([name, value]) => row[name] === value);
}

function settingsOf(task) {
  const tree = structuredClone(comparePresets[`objectives-${task}`]);
  if (task === "galaxies") {
    tree.teacher = GALAXIES;
    tree.students = ["same", "small"];
    tree.common.data = galaxies(12);
    tree.common.evaluation.reference = galaxies(11);
  } else if (!PLANE.includes(task)) {
    if (flags.data) tree.common.data = flags.data;
    if (flags.reference) tree.common.evaluation.reference = flags.reference;
  }
  tree.teacher ??= trainedTeacher(task);
  if (flags.smoke) {
    tree.common.backtracking = {
      ...tree.common.backtracking,
      batchSize: 16,
      pairs: { count: 20 },
    };
    tree.common.backtracking.processorSeconds = 0.05;
    tree.common.evaluation.samples = tree.common.evaluation.batchSize = 200;
    tree.perStudent = { small: { imitation: { when: "always", steps: 2 } } };
  }
  return compareSchema.parse(tree);
}

/** The teacher of a toy, trained if it is not there. */
function trainedTeacher(task) {
  const folder = fileURLToPath(new URL(`../runs/ranking/teacher-${task}`, import.meta.url));
  if (existsSync(`${folder}/teacher/config.json`)) return folder;
  const how = ["--preset", "2d", "--data", `toy:${task}`, "--set", "threads=1", "--out", folder, "--quiet"];
  disback("teacher", "train", ...how);
  return folder;
}

/** A file of the teacher's galaxies. */
function galaxies(seed) {
  const count = flags.smoke ? "100" : "1000";
  const file = fileURLToPath(new URL(`../runs/ranking/galaxies-${count}-${seed}.npz`, import.meta.url));
  mkdirSync(dirname(file), { recursive: true });
  const how = ["--count", count, "--batch-size", "100", "--seed", String(seed), "--out", file];
  if (!existsSync(file)) disback("sample", GALAXIES, ...how);
  return file;
}

function disback(...how) {
  const { status } = spawnSync(process.execPath, [COMMANDS, ...how], { stdio: "inherit" });
  if (status !== 0) process.exit(1);
}

function runOf(settings, { student, objective }, rate, seed) {
  const rates = { studentLearningRate: rate, auxiliaryLearningRate: 2 * rate };
  const [run] = planRuns(settings, {
    students: [student],
    methods: [objective],
    seeds: [seed],
    rates: () => [rates],
  });
  // A teacher of one's own has no smaller network of its kind.
  if (student === "small" && settings.teacher === GALAXIES) run.settings.student = SMALL_GALAXIES;
  return run;
}

async function openJudge(settings) {
  const { settings: run } = runOf(settings, { student: "same", objective: "diff-instruct" }, 1e-3, 1);
  const { teacher } = await openNetworks(run);
  return { judge: await openTrainingJudge(run, teacher, context), run, codec: teacher.codec, teacher };
}

/** All that can be measured, at a run's end and of the teacher. */
async function finalFigures({ task, judge, run }, drawer) {
  const { samples } = run.evaluation;
  // Recall of points in the plane takes as long as a run.
  const metrics = judge.headline.includes("fid") ? ["fid", "precisionRecall"] : judge.headline;
  let spread;
  const kept = [];
  async function* batches() {
    for (let done = 0; done < samples; done += run.evaluation.batchSize) {
      const drawn = drawer.draw(Math.min(run.evaluation.batchSize, samples - done));
      spread ??= scope(() => {
        const differences = drawn.samples.sub(drawn.samples.mean([0], true));
        return differences.square().mean().sqrt().item();
      });
      if (task === "galaxies") kept.push(drawn.samples.clone());
      yield drawn.samples;
    }
  }
  const { samples: _, extractor, ...figures } = await judge.measure({ batches: batches() }, samples, metrics);
  if (task !== "galaxies") return { ...figures, spread };
  const { flux, peak } = compareGalaxies(cat(kept, 0), await readSamples(run.evaluation.reference));
  return { ...figures, flux, peak, spread };
}

async function judgeTeacher(opened) {
  const drawer = samplerOf(opened.teacher, drawingOptions(opened.run.evaluation, "cpu"));
  return rounded(await finalFigures(opened, decodedDrawer(drawer, opened.codec)));
}

/** Climbs from 1e-3 to the best of the rates. @param whole decides between those that come out nearly alike, if given */
async function bestRate(trial, whole) {
  const scores = new Map();
  const scoreAt = (index) => scores.get(index) ?? Number.POSITIVE_INFINITY;
  for (let best = 2; ; ) {
    const around = [best, best - 1, best + 1].filter((index) => index in RATES);
    for (const index of around) if (!scores.has(index)) scores.set(index, (await trial(RATES[index])).score);
    const next = around.reduce((a, b) => (scoreAt(b) < scoreAt(a) ? b : a));
    if (next === best) {
      const alike = [...scores.keys()].filter((index) => scoreAt(index) < scoreAt(best) + ALIKE);
      if (!whole || alike.length === 1) return RATES[best];
      const ends = [];
      for (const index of alike) ends.push({ rate: RATES[index], score: (await whole(RATES[index])).score });
      return ends.reduce((a, b) => (b.score < a.score ? b : a)).rate;
    }
    best = next;
  }
}

/** The row of a run, made unless it is there. */
async function rowOf(place, opened, rate, seed, share) {
  const { settings } = opened;
  const run = runOf(settings, place, rate, seed);
  const isReported = !settings.learningRates.seeds.includes(seed);
  const seconds = isReported && flags.seconds ? Number(flags.seconds) : undefined;
  const budget = share * (seconds ?? run.settings.backtracking.processorSeconds);
  const found = rows.find(
    (row) => isOf(row, place) && row.rate === rate && row.seed === seed && row.budget === budget,
  );
  if (found) return found;
  if (performance.now() > until) {
    console.log("time is up; the same command goes on");
    process.exit(0);
  }
  const measured = await distill(run.settings, opened, budget, isReported);
  const row = {
    ...place,
    rate,
    seed,
    budget,
    machine: machineIndex(),
    ...measured,
  };
  rows.push(row);
  const last = row.points.at(-1);
  const ended = row.diverged ?? `${last[1].toPrecision(3)}`;
  console.log([...Object.values(place), rate, seed, `${row.steps} steps`, ended].join("  "));
  if (!isReported) delete row.points;
  if (!flags.smoke) write();
  return row;
}

/** The place of this machine in the list of those that rows were measured on. */
function machineIndex() {
  const here = machine();
  const found = machines.findIndex(
    ({ processor, cores }) => processor === here.processor && cores === here.cores,
  );
  return found < 0 ? machines.push(here) - 1 : found;
}

async function distill(settings, opened, budget, isReported) {
  const { teacher, student: made } = await openNetworks(settings);
  const time = new StepTime();
  // The teacher's samples that an objective learns from are part of its cost.
  const parts = { teacher, student: studentOf(made, settings), trajectory: undefined, drawing: time };
  const imitation = settings.imitation.when === "always" ? imitated(settings, parts, opened.task) : undefined;
  const work = await createTraining(settings, parts, context);
  const watch = new DivergenceWatch(teacher.facts.sigmaData);
  const drawer = () =>
    decodedDrawer(
      studentDrawer(work.average, { seed: settings.evaluation.seed, device: "cpu" }),
      opened.codec,
    );
  const { judge, run } = opened;
  const headlines = async () =>
    (await judgeDrawer(judge, drawer(), run.evaluation, context.processes, async () => {})).figures;
  const evaluations = [];
  const { student, seed, sigmaInit } = settings;
  const start = JSON.stringify([opened.task, student, sigmaInit, student === "same" || [seed, kindOf(made)]]);
  if (!starts.has(start)) starts.set(start, await headlines());
  let diverged;
  const note = (figures) => {
    const { processor: seconds } = time;
    evaluations.push({ iteration: work.iteration, images: 0, seconds, processorSeconds: seconds, figures });
    return watch.evaluation({}, figures);
  };
  diverged = note(starts.get(start));
  let end;
  for (const moment of momentsOf(opened.task, isReported)) {
    while (diverged === undefined && time.processor < moment * budget) {
      const { result } = await time.of(() => work.step());
      diverged = watch.step(result);
    }
    if (diverged !== undefined) break;
    const last = isReported && moment === 1;
    if (last) end = await finalFigures(opened, drawer());
    diverged = note(end ?? (await headlines()));
    if (diverged !== undefined) break;
  }
  const measured = withCosts([{ seed: settings.seed, diverged: diverged !== undefined, evaluations }])[0];
  const figure = judge.headline[0];
  const score = convergenceScore(measured, figure, budget, "processorSeconds");
  const { iteration: steps } = work;
  work.dispose();
  return {
    steps,
    ...(imitation === undefined ? {} : { imitation: round(imitation) }),
    ...(Number.isFinite(score) ? { score: round(score) } : {}),
    ...(diverged === undefined ? {} : { diverged }),
    // Processor seconds, figure, and for mixtures the share of modes.
    points: evaluations.map(({ processorSeconds, figures }) =>
      [processorSeconds, figures[figure], figures.modeCoverage]
        .filter((value) => value !== undefined)
        .map(round),
    ),
    ...(end && diverged === undefined ? { end: rounded(end) } : {}),
  };
}

/** Lets a student imitate the teacher, or gives it the weights of one of its kind and seed that did. @returns seconds */
function imitated(settings, { teacher, student }, task) {
  const { when, ...options } = settings.imitation;
  const { module } = student;
  const key = JSON.stringify([task, settings.seed, settings.sigmaInit, kindOf(student)]);
  if (!imitations.has(key)) {
    const before = process.cpuUsage();
    imitate({ ...options, teacher: teacher.module, student, execution: { seed: settings.seed } });
    const { user, system } = process.cpuUsage(before);
    const weights = [...module.stateDict()].map(([name, weight]) => [name, keep(weight.clone())]);
    imitations.set(key, { weights: new Map(weights), seconds: (user + system) / 1e6 });
  }
  const { weights, seconds } = imitations.get(key);
  module.loadStateDict(weights);
  return seconds;
}

/** The names of a network's weights. */
function kindOf({ module }) {
  return [...module.stateDict().keys()].join();
}

/** Peak resident memory of a process for each objective: a copy of Fashion-MNIST's teacher, batch 16. */
function measureMemory() {
  for (const objective of list(flags.objectives, Object.keys(settingsOf("fashion-mnist-16").methods))) {
    const data = flags.data ? ["--data", flags.data] : [];
    const { stdout, status } = spawnSync(
      process.execPath,
      [fileURLToPath(import.meta.url), "--peak", objective, ...data],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    if (status !== 0) process.exit(1);
    memory[objective] = Number(stdout);
    console.log(objective, memory[objective]);
    write();
  }
}

/** Prints the mebibytes that 6 steps add at their peak to a process with the teacher. */
async function measurePeak(objective) {
  const settings = settingsOf("fashion-mnist-16");
  const run = runOf(settings, { student: "same", objective }, 1e-3, 1).settings;
  const { teacher, student } = await openNetworks(run);
  const before = process.resourceUsage().maxRSS;
  const work = await createTraining(
    run,
    { teacher, student: studentOf(student, run), trajectory: undefined },
    context,
  );
  for (let step = 0; step < 6; step++) work.step();
  console.log(Math.round((process.resourceUsage().maxRSS - before) / 1024));
}

function write() {
  mkdirSync(new URL("results/", import.meta.url), { recursive: true });
  const line = (row) => `    ${JSON.stringify(row)}`;
  const head = JSON.stringify({ machines, teachers, memory }, null, 2).slice(0, -2);
  writeFileSync(file, `${head},\n  "rows": [\n${rows.map(line).join(",\n")}\n  ]\n}\n`);
}

function rounded(figures) {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, round(value)]));
}

function round(value) {
  return Number(value.toPrecision(5));
}
