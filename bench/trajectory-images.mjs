// Where a trajectory pays on pictures: noise range x student x resolution of the same data (Fashion-MNIST, 8x8 to 64x64), for plain
// Diff-Instruct, the auxiliary model's start alone, the nodes as targets alone, the whole path, and at 8x8 the teacher's own
// checkpoints: FID and recall, processor time with the recording counted, and the gate's ratio. Rates were chosen on seed 4 (`--part rates`).
//   node bench/trajectory-images.mjs --data t10k-images-idx3-ubyte.gz --part rates|8|generator|checkpoints|16|32|64 [--seeds 1,2,3]
//     [--only REGEX] [--minutes 8] [--smoke] [--work FOLDER]
// bench/results/trajectory-images.json keeps every row; what it has is not measured again, and after --minutes of processor time no row is begun.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setNumThreads } from "@disback/torch";
import { LogNormal, measureReach } from "disback";
import { cpuSeconds } from "./generators/common.mjs";
import { machine, save } from "./report.mjs";
import {
  distillPictures,
  judgeTeacher,
  openResolution,
  students,
  trainings,
} from "./trajectory/pictures.mjs";

setNumThreads(1);
const { values: flags } = parseArgs({
  options: {
    data: { type: "string" },
    part: { type: "string", default: "8" },
    seeds: { type: "string", default: "1,2,3" },
    only: { type: "string", default: "" },
    minutes: { type: "string", default: "1000" },
    smoke: { type: "boolean", default: false },
    work: { type: "string", default: join(tmpdir(), "disback-trajectory-images") },
  },
});
const { smoke, data, work, part } = flags;
const ranges = {
  "N(-1.2, 1.2)": [-1.2, 1.2],
  "N(-2.6, 1.2)": [-2.6, 1.2],
  "N(-2, 0.6)": [-2, 0.6],
  "N(-3, 0.6)": [-3, 0.6],
};
const [usual, lower, nearly, far] = Object.keys(ranges);
const settings = {
  rates: { iterations: 120, batchSize: 16, judged: 400, reach: 64, recordingSteps: 60 },
  8: { iterations: 160, batchSize: 16, judged: 400, reach: 64, recordingSteps: 60 },
  16: { iterations: 320, batchSize: 16, judged: 400, reach: 64, recordingSteps: 60 },
  32: { iterations: 240, batchSize: 16, judged: 300, reach: 32, recordingSteps: 60 },
  64: { iterations: 160, batchSize: 8, judged: 200, reach: 16, recordingSteps: 60 },
};
const both = ["plain", "whole"];
/** At the rate that was plain's best at 8x8. */
const generators = { student: "generator", rate: 2e-3, ranges: [usual, nearly], methods: both };
/** What is measured of each part: students, their ranges, methods, and rate if it is another than the usual one. */
const parts = {
  8: [
    { student: "untrained", ranges: [usual, nearly, far], methods: [...both, "start", "targets"] },
    { student: "untrained", ranges: [lower], methods: both },
    { student: "small", ranges: [usual, nearly], methods: both },
    { student: "generator", ranges: [usual, nearly], methods: both },
    { student: "copy", ranges: [usual, nearly], methods: both },
  ],
  checkpoints: [{ student: "untrained", ranges: [usual, nearly], methods: ["checkpoints"] }],
  16: [generators, { student: "untrained", ranges: [usual, nearly], methods: both }],
  32: [generators],
  64: [generators],
};
/** Rates of the student; the auxiliary model's are twice as high. */
const rate = 1e-3;
const size = Number(part) || 8;
mkdirSync(work, { recursive: true });

const file = new URL("results/trajectory-images.json", import.meta.url);
const measured = { settings, trainings, rate };
const known = !smoke && existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
const rows = known?.rows ?? [];
const wanted = new RegExp(flags.only);
const has = (key) =>
  rows.some((row) => Object.entries(key).every(([name, value]) => row[name] === value)) ||
  !wanted.test(Object.values(key).join(" "));
const keep = (row) => {
  rows.push(row);
  console.log(JSON.stringify({ ...row, curve: undefined }));
  if (!smoke) save("trajectory-images", { machine: machine(), ...measured, rows });
};

const against = await openResolution(size, { data, work, smoke });
if (!has({ size, student: "the teacher itself" }))
  keep({ size, student: "the teacher itself", ...(await judgeTeacher(against, settings[size].judged)) });

/** Measures the methods that are not known yet. `key` also has rate, stay and steps, where they are not the usual ones. */
async function measure({ range, student, seed, ...changes }, methods) {
  const key = { size, range, student, seed, ...changes };
  const missing = methods.filter((method) => !has({ ...key, method }));
  if (missing.length === 0 || cpuSeconds() > 60 * Number(flags.minutes)) return;
  const noise = new LogNormal(...ranges[range]);
  const { reach: samples, recordingSteps, ...others } = settings[part] ?? settings[size];
  const { rate: own = rate, stay, steps } = changes;
  const make = () => students[student](against, seed);
  const { ratio } = measureReach({
    ...{ teacher: against.denoiser, student: make(), levels: noise, seed },
    samples: smoke ? 4 : samples,
  });
  const { batchSize, iterations, judged } = smoke
    ? { ...others, iterations: 4, judged: 40 }
    : { ...others, iterations: steps ?? others.iterations };
  await distillPictures({
    ...{ against, student: make, noise, methods: missing, seed },
    settings: {
      ...{ iterations, batchSize, judged, emaDecay: 0.95, stay },
      ...{ studentLearningRate: own, auxiliaryLearningRate: 2 * own },
      recording: { steps: smoke ? 4 : recordingSteps, batchSize, learningRate: 1e-3 },
    },
    found: (method, row) => keep({ ...key, method, ratio, ...row }),
  });
}

if (part === "rates") {
  for (const range of [usual, nearly])
    for (const own of [5e-4, 1e-3, 2e-3]) {
      const key = { range, student: "untrained", seed: 4, rate: own };
      await measure(key, ["plain", "whole"]);
      await measure({ ...key, stay: 8 }, ["whole"]);
    }
} else if (part === "generator") {
  for (const seed of flags.seeds.split(",").map(Number)) {
    await measure({ range: usual, student: "generator", seed }, ["start", "targets"]);
    for (const own of [5e-4, 2e-3])
      await measure({ range: usual, student: "generator", seed, rate: own }, both);
    await measure({ range: usual, student: "generator", seed, steps: 320 }, both);
  }
} else {
  for (const seed of flags.seeds.split(",").map(Number))
    for (const { ranges, methods, ...who } of parts[part])
      for (const range of ranges) await measure({ range, ...who, seed }, methods);
}
console.table(summary(rows.filter(({ curve, seed }) => curve && seed < 4)));

/** A line for each cell and method: figures of the seeds, and how much sooner plain's last FID was reached. */
function summary(measuredRows) {
  const cells = new Map();
  for (const row of measuredRows) {
    const cell = [cellOf(row), row.method].join(" ");
    cells.set(cell, [...(cells.get(cell) ?? []), row]);
  }
  return Object.fromEntries(
    [...cells].map(([cell, found]) => {
      const ordered = found.sort((a, b) => a.seed - b.seed);
      const list = (of) => ordered.map(of).join(", ");
      return [
        cell,
        {
          seeds: list(({ seed }) => seed),
          ratio: list(({ ratio }) => ratio.toFixed(2)),
          fid: list(({ fid }) => fid),
          recall: list(({ recall }) => recall),
          speedUp: list((row) => speedUp(row, measuredRows)),
        },
      ];
    }),
  );
}

/** What a row and plain Diff-Instruct's have in common, besides the seed. */
function cellOf({ size, range, student, rate: own = rate, steps }) {
  return [
    size,
    range,
    student,
    ...(own === rate ? [] : [`rate ${own}`]),
    ...(steps ? [`${steps} steps`] : []),
  ].join(" ");
}

/** Processor time of plain Diff-Instruct over that until its last FID is reached for good, the recording counted. */
function speedUp(row, measuredRows) {
  const { seed, curve } = row;
  const plain = measuredRows.find(
    (other) => other.method === "plain" && other.seed === seed && cellOf(other) === cellOf(row),
  );
  if (!plain || plain.fid > plain.curve[0].fid) return "";
  const later = 1 + curve.findLastIndex(({ fid }) => fid > plain.fid);
  if (later === curve.length) return `<${(plain.seconds / curve.at(-1).seconds).toFixed(2)}`;
  const [before, after] = [curve[later - 1], curve[later]];
  const share = (before.fid - plain.fid) / (before.fid - after.fid);
  const seconds = before.seconds + share * (after.seconds - before.seconds);
  return (plain.seconds / seconds).toFixed(2);
}
