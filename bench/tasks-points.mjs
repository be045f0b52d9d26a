// One student for three teachers of points (ring, grid, moons) as bench/tasks.mjs measures it for pictures, in seconds: against
// three students of a third of its size; the same processor seconds, the same total number of weights. A stopped script goes on.
//
//   node bench/tasks-points.mjs [--rows 2] [--smoke]
import { join } from "node:path";
import { fromTypedArray, Generator, inferenceMode, ops, randn } from "@disback/torch";
import { DenoiserStudent } from "disback";
import { openDataset } from "disback/data";
import { CoordinateExtractor, evaluate, referenceStatistics } from "disback/metrics";
import {
  createDenoiser,
  heun,
  jointConfig,
  jointStart,
  loadModel,
  TaskAdapters,
  TaskDenoiser,
} from "disback/models";
import { begin, shippedTeacher } from "./begin.mjs";
import { printTable, spread } from "./report.mjs";
import { adapterRank, weightsOf } from "./tasks/adapters.mjs";
import { drawCurves } from "./tasks/curves.mjs";
import { trainedTeacher } from "./tasks/teachers.mjs";
import { trainFor } from "./tasks/train-for.mjs";

const { smoke, work, before, mayGoOn, store } = begin({ folder: "tasks", result: "tasks-points" });
const sizes = smoke
  ? { iterations: 3, seconds: 0.3, samples: 50, seeds: [1] }
  : { iterations: 600, seconds: 4, samples: 2000, seeds: [1, 2, 3] };
const shipped = shippedTeacher("2d-ring");
const extractor = new CoordinateExtractor(2);

const tasks = [];
for (const name of ["ring", "grid", "moons"]) {
  const dataset = await openDataset(`toy:${name}`, { labels: false });
  const { config } = loadModel(shipped);
  const more = { ...sizes, batchSize: 256 };
  const own = { dataset, config, shipped, ...more };
  const folder = name === "ring" ? shipped : await trainedTeacher(join(work, `teacher-${name}`), own);
  const reference = await referenceStatistics(dataset, extractor, work);
  tasks.push({ name, reference, ...loadModel(folder) });
}
const teacher = new TaskDenoiser(tasks).requiresGrad_(false);
const config = jointConfig(
  teacher,
  tasks.map(({ name, config }) => ({ name, model: config })),
);
/** About a third of the weights. */
const third = { hiddenChannels: 74 };

const student = (denoiser) => new DenoiserStudent(denoiser.eval(), { sigmaInit: 2.5 });
const untrained = (config, seed) => student(createDenoiser(config, { generator: new Generator(seed) }));
const adapted = (seed) => {
  const { denoiser } = jointStart(teacher, config, seed, { shared: true });
  return student(new TaskAdapters(denoiser, { rank: adapterRank, generator: new Generator(seed) }));
};
const methods = {
  "one network": (seed) => [{ student: untrained(config, seed), teacher }],
  "three networks": (seed) =>
    tasks.map(({ denoiser, config: own }) => ({
      student: untrained({ ...own, ...third }, seed),
      teacher: denoiser.requiresGrad_(false),
    })),
  "one network, first teacher's weights": (seed) => [
    { student: student(jointStart(teacher, config, seed).denoiser), teacher },
  ],
  "one base, adapters for each task": (seed) => [{ student: adapted(seed), teacher }],
  "one network, along a trajectory": (seed) => [{ student: untrained(config, seed), teacher, along: true }],
};

/** Multiples of the usual learning rates that each method may choose among, with a seed that is not reported. */
const multiples = [1, 2, 4];
const tuningSeed = 11;
const tuning = before.tuning ?? {};
const rows = before.rows ?? [];
const teachers = await judged((_, task, latents) => heun(tasks[task].denoiser, latents, { steps: 18 }));
for (const [method, make] of Object.entries(methods)) {
  tuning[method] ??= {};
  for (const multiple of multiples) {
    if (tuning[method][multiple] !== undefined || !mayGoOn()) continue;
    tuning[method][multiple] = (await measured(make(tuningSeed), tuningSeed, multiple)).mean;
    keep();
  }
}
const best = (method) =>
  multiples.reduce((one, other) => (tuning[method][other] < tuning[method][one] ? other : one));
for (const seed of sizes.seeds)
  for (const [method, make] of Object.entries(methods)) {
    if (rows.some((row) => row.method === method && row.seed === seed) || !mayGoOn()) continue;
    rows.push({ method, seed, ...(await measured(make(seed), seed, best(method))) });
    keep();
  }
keep();
printTable([
  ["", "weights", "steps", "rates", "ring", "grid", "moons", "mean"],
  ["teachers", "", "", "", ...["ring", "grid", "moons", "mean"].map((task) => teachers[task].toFixed(3))],
  ...Object.keys(methods).map((method) => {
    const own = rows.filter((row) => row.method === method);
    if (own.length === 0) return [method];
    const cells = ["ring", "grid", "moons", "mean"].map((task) =>
      spread(own.map((row) => row[task])).median.toFixed(3),
    );
    return [method, own[0].weights, own[0].steps.join(" "), `x ${own[0].multiple}`, ...cells];
  }),
]);
const panels = ["ring", "grid", "moons"].map((task) => ({
  ...{ title: `${task}: Wasserstein distance`, figure: task, level: teachers[task], logarithmic: true },
}));
if (!smoke) drawCurves("tasks-points-curves.svg", { panels, rows, x: "seconds", xName: "processor seconds" });

/** Trains the students of a row, at a multiple of the usual learning rates. */
async function measured(parts, seed, multiple) {
  const rates = { studentLearningRate: 5e-4 * multiple, auxiliaryLearningRate: 1e-3 * multiple };
  const marks = parts.map(({ along, ...one }) =>
    trainFor({
      ...{ ...one, seed, rates, seconds: sizes.seconds / parts.length, smoke, batchSize: 256 },
      trajectory: along && join(work, "trajectory"),
    }),
  );
  const curve = [];
  for (const [at, { fraction }] of marks[0].entries())
    curve.push({
      seconds: Number((fraction * sizes.seconds).toFixed(2)),
      ...(await judged((classes, task, latents) => {
        const one = marks.length === 1 ? marks[0][at].student : marks[task][at].student;
        return one.generate(latents, marks.length === 1 ? { class: classes } : undefined);
      })),
    });
  const steps = marks.map((all) => [all.at(-1).imitated, all.at(-1).recorded, all.at(-1).steps].join("+"));
  const weights = parts.reduce((sum, { student }) => sum + weightsOf(student), 0);
  return { weights, steps, multiple, ...curve.at(-1), curve };
}

/** Distance of each task's samples from its data. @param draw of classes `[N, 3]`, a task's number and latents */
async function judged(draw) {
  const figures = {};
  const { samples: count } = sizes;
  for (const [task, { name, reference }] of tasks.entries()) {
    const latents = randn([count, 2], { generator: new Generator(99) });
    const places = fromTypedArray(new BigInt64Array(count).fill(BigInt(task)), [count]);
    const classes = ops.one_hot(places, tasks.length).float();
    const samples = inferenceMode(() => draw(classes, task, latents)).clone();
    const metrics = ["slicedWasserstein"];
    const { slicedWasserstein } = await evaluate({
      batches: [samples],
      count,
      extractor,
      reference,
      metrics,
    });
    figures[name] = slicedWasserstein;
  }
  return { ...figures, mean: Object.values(figures).reduce((sum, one) => sum + one, 0) / tasks.length };
}

function keep() {
  store({
    time: `${sizes.seconds} seconds of processor time, one thread, for the students of a row together; other work ran on the machine`,
    judged: `sliced Wasserstein distance of ${sizes.samples} samples of each task from its data`,
    rates: `multiples of 5e-4 and 1e-3 for student and auxiliary model, chosen with seed ${tuningSeed}`,
    ...{ rank: adapterRank, tuning, teachers, rows },
  });
}
