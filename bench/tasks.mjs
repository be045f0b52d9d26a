// One student for three teachers (clothes, digits, icons), against three students of a third of its size: the same processor
// seconds, the same total number of weights. docs/tasks.md tells what came out. A stopped script goes on: each row is saved.
//
//   node bench/tasks.mjs [--rows 2] [--smoke]
import { join } from "node:path";
import { Generator } from "@disback/torch";
import { DenoiserStudent } from "disback";
import { openDataset } from "disback/data";
import {
  createDenoiser,
  jointConfig,
  jointStart,
  loadModel,
  TaskAdapters,
  TaskDenoiser,
} from "disback/models";
import { begin, shippedTeacher } from "./begin.mjs";
import { printTable, spread } from "./report.mjs";
import { adapterRank, adapterRates, weightsOf } from "./tasks/adapters.mjs";
import { drawCurves } from "./tasks/curves.mjs";
import { digits, icons } from "./tasks/data.mjs";
import { openJudges } from "./tasks/judges.mjs";
import { drawPicture } from "./tasks/picture.mjs";
import { trainedTeacher } from "./tasks/teachers.mjs";
import { trainFor } from "./tasks/train-for.mjs";

const { smoke, work, downloads, before, mayGoOn, store } = begin({ folder: "tasks", result: "tasks" });
const sizes = smoke
  ? { digits: 2, icons: 2, batchSize: 4, seconds: 3, samples: 40, seeds: [1] }
  : { digits: 700, icons: 350, batchSize: 64, seconds: 90, samples: 600, seeds: [1, 2, 3] };
const shipped = shippedTeacher("fashion-mnist-16");
const data = { digits: digits(downloads), icons: icons(downloads) };
const folders = { clothes: shipped };
const { classNames: _, ...network } = loadModel(shipped).config;
for (const [name, source] of Object.entries(data)) {
  const classNames = name === "digits" ? Array.from("0123456789") : [];
  const labels = classNames.length > 0;
  folders[name] = await trainedTeacher(join(work, `teacher-${name}`), {
    dataset: await openDataset(source, { resolution: 16, channels: 1, labels }),
    config: { ...network, labelDim: classNames.length, ...(labels ? { classNames } : {}) },
    ...{ iterations: sizes[name], batchSize: sizes.batchSize, shipped },
  });
}
const loaded = Object.entries(folders).map(([name, folder]) => ({ name, ...loadModel(folder) }));
const configs = loaded.map(({ name, config }) => ({ name, model: config }));
const teacher = new TaskDenoiser(loaded).requiresGrad_(false);
const config = jointConfig(teacher, configs);
/** About a third of the weights. */
const third = { modelChannels: 8, blocksPerResolution: 2 };
const judges = await openJudges({ work, data, tasks: teacher.facts.tasks, ...sizes });

const untrained = (config, seed) =>
  new DenoiserStudent(createDenoiser(config, { generator: new Generator(seed) }).eval(), { sigmaInit: 2.5 });
const first = (seed) => new DenoiserStudent(jointStart(teacher, config, seed).denoiser, { sigmaInit: 2.5 });
const adapted = (seed) => {
  const { denoiser } = jointStart(teacher, config, seed, { shared: true });
  const options = { rank: adapterRank, generator: new Generator(seed) };
  return new DenoiserStudent(new TaskAdapters(denoiser, options), { sigmaInit: 2.5 });
};
/** Each gives the students of a row, the tasks they are of and their teachers. */
const methods = {
  "one network, first teacher's weights": (seed) => [{ student: first(seed), teacher, config }],
  "three networks": (seed) =>
    loaded.map(({ denoiser, config: own }) => ({
      student: untrained({ ...own, ...third }, seed),
      teacher: denoiser.requiresGrad_(false),
      config: { ...own, ...third },
    })),
  "one base, adapters for each task": (seed) => [
    { student: adapted(seed), teacher, config, rates: adapterRates },
  ],
  "one network": (seed) => [{ student: untrained(config, seed), teacher, config }],
  "one network, along a trajectory": (seed) => [
    { student: untrained(config, seed), teacher, config, along: true },
  ],
};
const once = ["one network", "one network, along a trajectory"];
const seedsOf = (method) => (once.includes(method) ? sizes.seeds.slice(0, 1) : sizes.seeds);

const rows = before.rows ?? [];
const teachers = before.teachers ?? (await judges.ofTeacher(teacher));
for (const seed of sizes.seeds)
  for (const [method, make] of Object.entries(methods)) {
    const known = rows.some((row) => row.method === method && row.seed === seed);
    if (known || !seedsOf(method).includes(seed) || !mayGoOn()) continue;
    const parts = make(seed);
    const seconds = sizes.seconds / parts.length;
    const marks = parts.map(({ along, config: _, ...one }) =>
      trainFor({ ...one, seed, seconds, trajectory: along && join(work, "trajectory"), smoke }),
    );
    const weights = parts.reduce((sum, { student }) => sum + weightsOf(student), 0);
    const curve = [];
    for (const [at, { fraction }] of marks[0].entries()) {
      const students = marks.map((all) => all[at].student);
      curve.push({ seconds: Math.round(fraction * sizes.seconds), ...(await judges.ofStudents(students)) });
    }
    const steps = marks.map((all) => ({
      imitation: all.at(-1).imitated,
      recording: all.at(-1).recorded,
      distillation: all.at(-1).steps,
    }));
    rows.push({ method, seed, weights, steps, ...curve.at(-1), curve });
    console.log(JSON.stringify({ ...rows.at(-1), curve: undefined }));
    keep();
    if (seed === 1 && !smoke)
      judges.keep(
        method,
        marks.map((all, at) => ({ module: all.at(-1).student.module, config: parts[at].config })),
      );
  }

function keep() {
  store({
    time: `${sizes.seconds} seconds of processor time, one thread, for the students of a row together; other work ran on the machine`,
    judged: `FID of ${sizes.samples} samples of each task; clothes and icons in the features of fashion-mnist-16-classifier, digits in those of a classifier trained here (accuracy ${judges.accuracy}); right: the class that the classifier sees is the one that was asked for`,
    adapters: { rank: adapterRank, ...adapterRates },
    teachers,
    rows,
  });
}
keep();
const names = Object.keys(methods).filter((method) => rows.some((row) => row.method === method));
printTable([
  ["", "weights", "FID clothes", "FID digits", "FID icons", "right clothes", "right digits"],
  ...names.map((method) => {
    const own = rows.filter((row) => row.method === method);
    const median = (name) => spread(own.map((row) => row[name])).median;
    const figures = ["fidClothes", "fidDigits", "fidIcons", "rightClothes", "rightDigits"];
    return [method, own[0].weights, ...figures.map((name) => median(name).toFixed(3))];
  }),
]);
const panels = [
  ["clothes", "fidClothes"],
  ["digits", "fidDigits"],
  ["icons", "fidIcons"],
].map(([task, figure]) => ({
  ...{ title: `${task}: FID`, figure, level: teachers[figure], logarithmic: true },
}));
if (!smoke) drawCurves("tasks-curves.svg", { panels, rows, x: "seconds", xName: "processor seconds" });
if (!smoke) await drawPicture({ judges, teacher, methods: names });
