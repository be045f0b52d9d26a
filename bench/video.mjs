// One-step students of clips: a copy of the teacher and one of a quarter of its size; along a trajectory, without, and by
// `distill`'s default.
//
//   node bench/video.mjs [--preset video-dit] [--teacher RUN] [--seeds 1,2,3] [--methods "copy, trajectory;…"] [--smoke]
//
// Every run is done by the command line and kept in bench/video/work, so that a stopped measurement goes on where it was.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { machine, printTable, save, spread } from "./report.mjs";
import { drawCurves } from "./tasks/curves.mjs";

const { values: flags } = parseArgs({
  options: {
    /** video, a U-Net, or video-dit, a transformer */
    preset: { type: "string", default: "video" },
    /** a teacher's run by the preset; trained here if not given */
    teacher: { type: "string" },
    /** default 1,2,3; of a rehearsal, 1 */
    seeds: { type: "string" },
    methods: { type: "string" },
    /** every step of the way with tiny sizes, in seconds; its figures mean nothing */
    smoke: { type: "boolean", default: false },
  },
});
const program = fileURLToPath(new URL("../packages/disback/dist/cli/main.js", import.meta.url));
const work = fileURLToPath(new URL(`video/work/${flags.smoke ? "smoke" : flags.preset}/`, import.meta.url));
if (flags.smoke) rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });

const data = `toy:moving-digits?count=${flags.smoke ? 200 : 20000}`;
const judged = flags.smoke ? 20 : 500;
const tiny = {
  teacher: [
    ...(flags.preset === "video" ? ["model.modelChannels=8"] : []),
    "training.iterations=4",
    "evaluation.every=4",
    "evaluation.samples=8",
    "evaluation.teacherSteps=2",
  ],
  distill: [
    ...[
      "backtracking.iterations=4",
      "evaluation.every=2",
      "evaluation.samples=8",
      "evaluation.teacherSteps=2",
    ],
    ...["recording.steps=4", "imitation.steps=4"],
  ],
};
const methods = {
  "copy, the objective alone": ["student=same", "method=plain"],
  "copy, trajectory": ["student=same", "method=disback"],
  "quarter, the objective alone": ["student=small", "method=plain"],
  "quarter, trajectory": ["student=small", "method=disback"],
  "quarter, default": ["student=small", "method=auto"],
};
/** Far from anything after their 200 steps: one seed shows it. */
const once = ["quarter, the objective alone", "quarter, trajectory"];

const teacher = flags.teacher ?? join(work, "teacher");
if (flags.teacher === undefined)
  run(["teacher", "train", "--preset", flags.preset], flags.smoke ? tiny.teacher : [], teacher, 0);
const rows = { "the data": [judge("data", `${data.split("?")[0]}?count=${judged}&seed=9`)] };
for (const steps of flags.smoke ? [2] : [18, 6, 3])
  rows[`teacher, ${steps} steps`] = [judge(`teacher-${steps}`, teacher, ["--steps", String(steps)])];
for (const seed of (flags.seeds ?? (flags.smoke ? "1" : "1,2,3")).split(",").map(Number)) {
  for (const name of flags.methods?.split(";") ?? Object.keys(methods)) {
    if (once.includes(name) && seed > 1) continue;
    const folder = join(work, `${name.replace(/\W+/g, "-")}-${seed}`);
    const settings = [...methods[name], "evaluation.teacher=false", ...(flags.smoke ? tiny.distill : [])];
    run(["distill", "--preset", flags.preset, "--teacher", teacher], settings, folder, seed);
    rows[name] ??= [];
    rows[name].push({ seed, ...judge(`${name.replace(/\W+/g, "-")}-${seed}`, folder), ...costOf(folder) });
    print();
  }
}
print();
if (!flags.smoke) {
  save(flags.preset, { machine: machine(), data, judged, methods, rows });
  const [{ fid: level }] = rows["teacher, 18 steps"];
  const curves = Object.keys(methods).flatMap((method) =>
    (rows[method] ?? []).map(({ curve }) => ({ method, curve })),
  );
  const panels = [{ title: "FID of 200 clips", figure: "fid", logarithmic: true, level }];
  drawCurves(`${flags.preset}-curves.svg`, {
    panels,
    rows: curves,
    x: "seconds",
    xName: "processor seconds",
  });
}

/** Starts a run, or goes on with it; does nothing if it is finished. */
function run(command, settings, folder, seed) {
  const record = join(folder, "run.json");
  const state = existsSync(record) ? JSON.parse(readFileSync(record, "utf8")).state : undefined;
  if (state === "finished") return;
  const begin = [
    ...command,
    "--data",
    data,
    "--out",
    folder,
    "--force",
    "--seed",
    String(seed),
    "--threads",
    "1",
  ];
  const given =
    state === undefined ? [...begin, ...settings.flatMap((one) => ["--set", one])] : ["resume", folder];
  const { status } = spawnSync(process.execPath, [program, ...given], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) throw new Error(`${given[0]} ended with ${status}`);
}

/** The figures of samples, kept for the next call. */
function judge(name, source, more = []) {
  const kept = join(work, `${name}.judged.json`);
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, "utf8"));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      ...[
        program,
        "evaluate",
        source,
        "--data",
        data,
        "--metrics",
        "fid,motionError,readableDigits,readableFrames",
      ],
      ...["--count", String(judged), "--threads", "1", "--json", ...more],
    ],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  const { fid, motionError, readableDigits, readableFrames, evaluations } = JSON.parse(stdout);
  const found = { fid, motionError, readableDigits, readableFrames, evaluations };
  writeFileSync(kept, JSON.stringify(found));
  return found;
}

/** Processor seconds of the whole run, and the figures over them. */
function costOf(folder) {
  const entries = readFileSync(join(folder, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const spent = {};
  const curve = [];
  for (const {
    stage,
    iteration,
    processorSeconds = 0,
    fid,
    motionError,
    readableDigits,
    readableFrames,
  } of entries) {
    spent[stage] = processorSeconds;
    const seconds = Object.values(spent).reduce((sum, one) => sum + one, 0);
    if (fid !== undefined)
      curve.push({ stage, iteration, seconds, fid, motionError, readableDigits, readableFrames });
  }
  return { seconds: curve.at(-1)?.seconds, curve };
}

function print() {
  const columns = ["fid", "motionError", "readableDigits", "readableFrames", "evaluations", "seconds"];
  const cell = (list, name) => {
    const values = list.map((row) => row[name]).filter((value) => typeof value === "number");
    if (values.length === 0) return "";
    const { median, lowest, highest } = spread(values);
    const short = (value) => String(Number(value.toPrecision(3)));
    return values.length === 1 ? short(median) : `${short(median)} (${short(lowest)} to ${short(highest)})`;
  };
  printTable([
    ["", "runs", ...columns],
    ...Object.entries(rows).map(([name, list]) => [
      name,
      String(list.length),
      ...columns.map((one) => cell(list, one)),
    ]),
  ]);
}
