// A path that is recorded along samples between the teacher's and the student's, where the noise levels do not bridge the gap: which
// nodes, stays and rates keep how many of the ring's eight modes? In the plane, with the library as it is.
//   node bench/trajectory-between.mjs '{"nodes":20,"steps":400,"stay":30}' … [--smoke]
// A schedule: range, student, method (plain, start, whole, between), iterations, batchSize, lr and alr (student's and auxiliary rate),
// aux (auxiliary steps), nodes and steps of the recording, stay (largest number of student steps on a node), threshold (mismatch at which
// it is left sooner), decay (of the student's averaged weights), anneal (share of the run in which EDM's levels narrow to the range), rates ([from, to, factor] of the run, in
// which both rates fall), seeds.
// bench/results/trajectory-between.json holds what was tried; what it holds is not run again.
import { existsSync, readFileSync } from "node:fs";
import { setNumThreads } from "@disback/torch";
import { LogNormal, MismatchReached, StepsPerTarget } from "disback";
import { loadModel } from "disback/models";
import { machine, save } from "./report.mjs";
import { distillInPlane, Narrowing, planeJudge, studentsOf } from "./trajectory/plane.mjs";

setNumThreads(1);
const folder = new URL("../packages/disback/assets/teachers/2d-ring", import.meta.url).pathname;
const { denoiser: teacher, config } = loadModel(folder);
const students = studentsOf(teacher, config);
const ranges = { "N(-3, 0.6)": [-3, 0.6], "N(-2, 0.6)": [-2, 0.6], "N(-1.2, 1.2)": [-1.2, 1.2] };

const smoke = process.argv.includes("--smoke");
const judge = await planeJudge(smoke ? 200 : 2000);
const asked = process.argv.slice(2).filter((text) => text !== "--smoke");
if (smoke) asked.push('{"nodes":4,"steps":20,"stay":1,"iterations":6,"seeds":[1]}');
const results = new URL("results/trajectory-between.json", import.meta.url);
const rows = !smoke && existsSync(results) ? JSON.parse(readFileSync(results, "utf8")).rows : [];
for (const text of asked) {
  const { seeds = [1, 2, 3], ...schedule } = JSON.parse(text);
  for (const seed of seeds) {
    const key = JSON.stringify({ ...schedule, seed });
    if (rows.some(({ result, ...other }) => JSON.stringify(other) === key)) continue;
    const result = run(schedule, seed);
    rows.push({ ...schedule, seed, result });
    console.log(JSON.stringify({ ...schedule, seed, result: { ...result, curve: undefined } }));
    if (!smoke) save("trajectory-between", { machine: machine(), rows });
  }
}

function run(
  {
    range = "N(-3, 0.6)",
    student = "untrained",
    method = "between",
    iterations = 1200,
    batchSize = 128,
    ...schedule
  },
  seed,
) {
  const {
    lr = 5e-4,
    alr = 1e-3,
    aux = 1,
    nodes = 20,
    steps = 400,
    stay = 20,
    threshold,
    decay = 0.99,
    anneal,
    rates,
  } = schedule;
  const levels = ranges[range];
  return distillInPlane({
    ...{
      teacher,
      student: students[student](seed),
      noise: anneal ? new Narrowing(levels) : new LogNormal(...levels),
    },
    ...{ method, seed, judge, smoke },
    settings: {
      ...{ iterations, batchSize, studentLearningRate: lr, auxiliaryLearningRate: alr, auxiliarySteps: aux },
      ...{ recording: 1e-3, between: { nodes, steps }, emaDecay: decay, anneal, rates },
      schedule:
        threshold === undefined
          ? new StepsPerTarget(stay)
          : new MismatchReached({ threshold, maximumSteps: stay }),
    },
  });
}
