// The teacher's own training as a trajectory, beside a recorded one and none: a ring's teacher is trained and keeps checkpoints;
// noise range x student x trajectory, in the plane. Modes of 8 and distance, processor time with the recording counted.
//   node bench/trajectory-checkpoints.mjs [--seeds 1,2,3] [--only REGEX] [--smoke]
// Rows that bench/results/trajectory-checkpoints.json has already are not measured again, so it can be stopped.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Generator, setNumThreads } from "@disback/torch";
import { LogNormal } from "disback";
import { openDataset } from "disback/data";
import { createDenoiser, loadConfig, TeacherTraining } from "disback/models";
import { machine, save } from "./report.mjs";
import { distillInPlane, planeJudge, studentsOf } from "./trajectory/plane.mjs";

setNumThreads(1);
const { values: flags } = parseArgs({
  options: {
    seeds: { type: "string", default: "1,2,3" },
    only: { type: "string", default: "" },
    smoke: { type: "boolean", default: false },
  },
});
const { smoke } = flags;
const settings = {
  iterations: smoke ? 4 : 300,
  batchSize: 128,
  studentLearningRate: 5e-4,
  auxiliaryLearningRate: 1e-3,
  recording: 1e-3,
};
const training = {
  iterations: smoke ? 40 : 2000,
  batchSize: 256,
  learningRate: 2e-3,
  averageHalfLife: 25_000,
};
const kept = smoke ? [10, 20] : [25, 50, 100, 200, 400, 800];
const ranges = { "N(-3, 0.6)": [-3, 0.6], "N(-2, 0.6)": [-2, 0.6], "N(-1.2, 1.2)": [-1.2, 1.2] };
const methods = ["plain", "whole", "checkpoints"];

/** As `disback teacher train --preset 2d`, half as long. */
async function trainTeacher() {
  const folder = fileURLToPath(new URL("../packages/disback/assets/teachers/2d-ring", import.meta.url));
  const config = loadConfig(folder);
  const work = new TeacherTraining({
    ...{ ...training, dataset: await openDataset("toy:ring", { labels: false }), execution: { seed: 0 } },
    denoiser: createDenoiser(config, { generator: new Generator(0) }),
  });
  const checkpoints = [];
  while (!work.finished) {
    await work.step();
    if (!kept.includes(work.iteration)) continue;
    const weights = work.average.clone().stateDict();
    checkpoints.push({ name: `${work.iteration}`, loadInto: (model) => model.loadStateDict(weights) });
  }
  return { teacher: work.average.clone(), config, checkpoints };
}

const { teacher, config, checkpoints } = await trainTeacher();
const students = studentsOf(teacher, config);
const judge = await planeJudge(smoke ? 200 : 2000);
const earlier = new URL("results/trajectory-checkpoints.json", import.meta.url);
const known = !smoke && existsSync(earlier) ? JSON.parse(readFileSync(earlier, "utf8")) : undefined;
const all = { ...settings, training, kept };
const rows = JSON.stringify(known?.settings) === JSON.stringify(all) ? known.rows : [];
const wanted = new RegExp(flags.only);
for (const seed of smoke ? [1] : flags.seeds.split(",").map(Number))
  for (const [range, levels] of Object.entries(ranges))
    for (const student of ["untrained", "small", "generator"])
      for (const method of methods) {
        const key = { range, student, method, seed };
        if (!wanted.test(Object.values(key).join(" "))) continue;
        if (rows.some((row) => Object.entries(key).every(([name, value]) => row[name] === value))) continue;
        const work = { teacher, student: students[student](seed), noise: new LogNormal(...levels) };
        const row = {
          ...key,
          ...distillInPlane({ ...work, method, seed, settings, checkpoints, judge, smoke }),
        };
        rows.push(row);
        console.log(JSON.stringify({ ...row, curve: undefined }));
        if (!smoke) save("trajectory-checkpoints", { machine: machine(), settings: all, rows });
      }
console.log(`${rows.length} runs`);
