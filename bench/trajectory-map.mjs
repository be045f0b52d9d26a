// Where a trajectory pays: noise range x student x part of the trajectory, in the plane. Modes, distance, and the speed-up
// to the level that plain Diff-Instruct ends with, in processor time with the recording counted.
//   node bench/trajectory-map.mjs [--seeds 1,2,3] [--iterations 300] [--only REGEX] [--smoke]
// Rows that bench/results/trajectory-map.json has already (same settings; trajectory-map-1200.json for 1200 iterations) are not
// measured again, so it can be stopped.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setNumThreads } from "@disback/torch";
import { LogNormal } from "disback";
import { loadModel } from "disback/models";
import { machine, save } from "./report.mjs";
import { distillInPlane, planeJudge, studentsOf } from "./trajectory/plane.mjs";

setNumThreads(1);
const { values: flags } = parseArgs({
  options: {
    seeds: { type: "string", default: "1,2,3" },
    iterations: { type: "string", default: "300" },
    only: { type: "string", default: "" },
    smoke: { type: "boolean", default: false },
  },
});
const { smoke } = flags;
const seeds = smoke ? [1] : flags.seeds.split(",").map(Number);
const settings = {
  iterations: smoke ? 4 : Number(flags.iterations),
  batchSize: 128,
  studentLearningRate: 5e-4,
  auxiliaryLearningRate: 1e-3,
  recording: 1e-3,
};
const folder = fileURLToPath(new URL("../packages/disback/assets/teachers/2d-ring", import.meta.url));
const { denoiser: teacher, config } = loadModel(folder);
const students = studentsOf(teacher, config);
const judge = await planeJudge(smoke ? 200 : 2000);

const ranges = {
  "N(-3, 0.6)": [-3, 0.6],
  "N(-2.5, 0.6)": [-2.5, 0.6],
  "N(-2, 0.6)": [-2, 0.6],
  "N(-1.2, 1.2)": [-1.2, 1.2],
};
const methods = ["plain", "start", "targets", "whole", "whole-20"];

const name = flags.iterations === "300" ? "trajectory-map" : `trajectory-map-${flags.iterations}`;
const earlier = new URL(`results/${name}.json`, import.meta.url);
const known = !smoke && existsSync(earlier) ? JSON.parse(readFileSync(earlier, "utf8")) : undefined;
const same = JSON.stringify(known?.settings) === JSON.stringify(settings);
const rows = same ? known.rows : [];
const wanted = new RegExp(flags.only);
const has = (list, key) =>
  list.some((row) => Object.entries(key).every(([name, value]) => row[name] === value));
const cases = seeds.flatMap((seed) =>
  Object.keys(ranges).flatMap((range) =>
    Object.keys(students).map((student) => ({
      range,
      student,
      seed,
      noise: new LogNormal(...ranges[range]),
    })),
  ),
);
for (const { range, student, seed, noise } of cases)
  for (const method of methods) {
    const key = { range, student, method, seed };
    if (!wanted.test(Object.values(key).join(" "))) continue;
    if (has(rows, key)) continue;
    const work = { teacher, student: students[student](seed), noise, method, seed, settings, judge, smoke };
    const row = { ...key, ...distillInPlane(work) };
    rows.push(row);
    console.log(JSON.stringify({ ...row, curve: undefined }));
    if (!smoke) save(name, { machine: machine(), settings, rows });
  }
console.log(`${rows.length} runs`);
