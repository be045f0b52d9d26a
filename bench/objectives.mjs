// Time of one distillation step under each objective, beside Diff-Instruct's: the shipped 16x16 Fashion-MNIST teacher,
// a student of the same size. Every round makes one step of each.
// node bench/objectives.mjs [--rounds 12] [--batch 32] [--threads 1]
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Generator, randn, setNumThreads } from "@disback/torch";
import { Backtracking } from "../packages/disback/dist/distill/backtrack.js";
import { DenoiserStudent } from "../packages/disback/dist/distill/denoiser-student.js";
import { DirectDistillation } from "../packages/disback/dist/distill/direct-distillation.js";
import { Consistency } from "../packages/disback/dist/distill/objectives/consistency.js";
import { DiffInstruct } from "../packages/disback/dist/distill/objectives/diff-instruct.js";
import { Dmd } from "../packages/disback/dist/distill/objectives/dmd.js";
import { Dmd2 } from "../packages/disback/dist/distill/objectives/dmd2.js";
import { Ect } from "../packages/disback/dist/distill/objectives/ect.js";
import { FDistill } from "../packages/disback/dist/distill/objectives/f-distill.js";
import { Ladd } from "../packages/disback/dist/distill/objectives/ladd.js";
import { MeanFlow } from "../packages/disback/dist/distill/objectives/meanflow.js";
import { MomentMatching } from "../packages/disback/dist/distill/objectives/moment-matching.js";
import { Regression } from "../packages/disback/dist/distill/objectives/regression.js";
import { Scm } from "../packages/disback/dist/distill/objectives/scm.js";
import { Sid } from "../packages/disback/dist/distill/objectives/sid.js";
import { Sida } from "../packages/disback/dist/distill/objectives/sida.js";
import { Sim } from "../packages/disback/dist/distill/objectives/sim.js";
import { Vsd } from "../packages/disback/dist/distill/objectives/vsd.js";
import { SamplePool } from "../packages/disback/dist/distill/sample-pool.js";
import { loadModel } from "../packages/disback/dist/models/config.js";
import { withInterval } from "../packages/disback/dist/models/with-interval.js";
import { machine, positive, printTable, ratios, save, spread, withQuartiles } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "12" },
    batch: { type: "string", default: "32" },
    threads: { type: "string", default: "1" },
  },
});
const rounds = positive(flags, "rounds");
const batchSize = positive(flags, "batch");
const threads = positive(flags, "threads");
setNumThreads(threads);

const folder = new URL("../packages/disback/assets/teachers/fashion-mnist-16", import.meta.url);
const { denoiser: teacher, config } = loadModel(fileURLToPath(folder));
teacher.requiresGrad_(false);
const student = () => new DenoiserStudent(teacher.clone(), { sigmaInit: 2.5 });
const wideStudent = () => new DenoiserStudent(withInterval(teacher, config).denoiser, { sigmaInit: 2.5 });
const random = new Generator(1);
const real = new SamplePool({
  samples: randn([256, ...teacher.facts.sampleShape], { generator: random }),
  condition: student().conditions.draw(256, random),
});
const objectives = {
  "diff-instruct": new DiffInstruct(),
  "diff-instruct, guided": new DiffInstruct(),
  vsd: new Vsd(),
  dmd: new Dmd(),
  "dmd with regression": new Dmd({ regressionWeight: 0.25, pairs: { count: 32, steps: 3 } }),
  dmd2: new Dmd2({ real }),
  "f-distill": new FDistill({ real }),
  sid: new Sid(),
  sida: new Sida({ real }),
  sim: new Sim(),
  "moment-matching": new MomentMatching(),
  consistency: new Consistency({ data: real }),
  ect: new Ect({ data: real, stageSteps: 1 }),
  scm: new Scm({ data: real }),
  "scm, difference": new Scm({ data: real, derivative: "difference" }),
  meanflow: new MeanFlow({ data: real }),
  ladd: new Ladd({ real }),
  regression: new Regression({ pairs: { count: 32, steps: 3 } }),
};

const works = Object.entries(objectives).map(([name, objective]) => ({
  name,
  work: new ("loss" in objective ? DirectDistillation : Backtracking)({
    ...{ teacher, objective, batchSize, student: name === "meanflow" ? wideStudent() : student() },
    guidance: name.endsWith("guided") ? 2 : 1,
  }),
  milliseconds: [],
}));
for (let round = -2; round < rounds; round++) {
  for (const { work, milliseconds } of works) {
    const began = performance.now();
    work.step();
    // The first two rounds warm up.
    if (round >= 0) milliseconds.push(performance.now() - began);
  }
}

const baseline = works[0].milliseconds;
const results = Object.fromEntries(
  works.map(({ name, milliseconds }) => [
    name,
    { milliseconds: spread(milliseconds), ratio: ratios(milliseconds, baseline) },
  ]),
);
save("objectives", { machine: machine(), batchSize, threads, results });
printTable([
  ["objective", "milliseconds", "of diff-instruct"],
  ...Object.entries(results).map(([name, { milliseconds, ratio }]) => [
    name,
    withQuartiles(milliseconds, 0),
    withQuartiles(ratio),
  ]),
]);
