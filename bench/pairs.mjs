// Pairs of a picture and its word, Fashion-MNIST with the name of the class spelled out: a teacher, one-step students of it, and
// how often picture and word agree. docs/pairs.md tells what came out. Students are runs of the command line; a stopped script
// goes on.
//
//   node bench/pairs.mjs [--rows 2] [--smoke]
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cat, setNumThreads } from "@disback/torch";
import { load } from "disback";
import { openDataset, TensorDataset, writeGrid } from "disback/data";
import { loadModel, pairLayout, parseDenoiserConfig } from "disback/models";
import { EncodedSamples } from "../packages/disback/dist/data/encoded-samples.js";
import { Pairs, requireWords } from "../packages/disback/dist/data/pairs.js";
import { picturesIn, wordsIn } from "../packages/disback/dist/runs/samples/pairs.js";
import { pairCodec } from "../packages/disback/dist/text/language/codecs.js";
import { Letters, lettersOf } from "../packages/disback/dist/text/language/letters.js";
import { machine, printTable, save } from "./report.mjs";
import { drawCurves } from "./tasks/curves.mjs";
import { clothes } from "./tasks/data.mjs";
import { trainedTeacher } from "./tasks/teachers.mjs";

const { values: flags } = parseArgs({
  options: {
    /** students to train before the script ends; all by default */
    rows: { type: "string", default: "1000" },
    /** every step of the way with tiny sizes, in seconds; its figures mean nothing */
    smoke: { type: "boolean", default: false },
  },
});
const { smoke } = flags;
setNumThreads(1);
const program = fileURLToPath(new URL("../packages/disback/dist/cli/main.js", import.meta.url));
const downloads = fileURLToPath(new URL("tasks/work/downloads/", import.meta.url));
const work = fileURLToPath(new URL(`pairs/work/${smoke ? "smoke" : "full"}/`, import.meta.url));
if (smoke) rmSync(work, { recursive: true, force: true });
for (const folder of [downloads, work]) mkdirSync(folder, { recursive: true });
const sizes = smoke
  ? { iterations: 2, batchSize: 4, student: 4, samples: 40, every: 2, recording: 2, imitation: 3, seeds: [1] }
  : {
      iterations: 2000,
      batchSize: 64,
      student: 250,
      samples: 600,
      every: 50,
      recording: 12,
      imitation: 80,
      seeds: [1, 2, 3],
    };

const data = clothes(downloads);
const shipped = fileURLToPath(
  new URL("../packages/disback/assets/teachers/fashion-mnist-16", import.meta.url),
);
const classifier = new URL(
  "../packages/disback/assets/extractors/fashion-mnist-16-classifier/config.json",
  import.meta.url,
);
const teacher = await makeTeacher();

const judged = [
  `evaluation.samples=${sizes.samples}`,
  `evaluation.every=${sizes.every}`,
  "evaluation.teacher=false",
  "evaluation.grid=30",
];
const shared = [
  ...judged,
  `backtracking.iterations=${sizes.student}`,
  "backtracking.batchSize=32",
  `checkpoints.every=${sizes.every}`,
];
const along = [
  "method=disback",
  `recording.steps=${sizes.recording}`,
  "recording.maximumNodes=4",
  "recording.batchSize=32",
];
const imitating = [`imitation.steps=${sizes.imitation}`];
const methods = {
  "teacher's copy": { settings: ["method=plain"], seeds: sizes.seeds },
  "teacher's copy, along a trajectory": { settings: along, seeds: sizes.seeds },
  "half the channels": { settings: ["student=small", ...imitating], seeds: sizes.seeds.slice(0, 1) },
};

let made = 0;
for (const seed of sizes.seeds)
  for (const [method, { settings, seeds }] of Object.entries(methods)) {
    if (!seeds.includes(seed)) continue;
    const run = runOf(method, seed);
    if (stateOf(run) === "finished" || made++ >= Number(flags.rows)) continue;
    if (existsSync(run)) disback("resume", run);
    else
      disback(
        "distill",
        "--preset",
        "pairs",
        "--teacher",
        teacher,
        "--data",
        data,
        "--seed",
        String(seed),
        "--threads",
        "1",
        "--out",
        run,
        "--set",
        ...shared,
        ...settings,
      );
  }

const rows = sizes.seeds.flatMap((seed) =>
  Object.keys(methods).flatMap((method) => {
    const run = runOf(method, seed);
    return stateOf(run) === "finished" ? [rowOf(method, seed, run)] : [];
  }),
);
const document = {
  machine: machine(),
  judged: `${sizes.samples} pairs; FID of the pictures in the features of fashion-mnist-16-classifier; agreement: its class is the one that the word names`,
  teacher: ofTheTeacher(),
  data: { agreement: JSON.parse(readFileSync(classifier, "utf8")).accuracy },
  rows,
};
save(smoke ? "pairs-smoke" : "pairs", document);
const names = ["fid", "validWords", "agreement"];
printTable([
  ["", "seeds", ...names],
  ["data", "", "", "", document.data.agreement.toFixed(3)],
  ["teacher", "", ...names.map((name) => document.teacher[name].toFixed(3))],
  ...Object.keys(methods).flatMap((method) => {
    const own = rows.filter((row) => row.method === method);
    const cells = names.map((name) => own.map((row) => row[name].toFixed(3)).join(" "));
    return own.length > 0 ? [[method, own.length, ...cells]] : [];
  }),
]);
const panels = [
  { title: "FID of the pictures", figure: "fid", logarithmic: true },
  { title: "valid words", figure: "validWords" },
  { title: "picture and word agree", figure: "agreement" },
].map((panel) => ({ ...panel, level: document.teacher[panel.figure] }));
if (!smoke && rows.length > 0)
  drawCurves("pairs-curves.svg", { panels, rows, x: "processorSeconds", xName: "processor seconds" });
if (!smoke) await drawPicture();

async function makeTeacher() {
  const folder = join(work, "teacher");
  if (existsSync(folder)) return folder;
  const pictures = await openDataset(data, { resolution: 16, channels: 1, labels: true });
  const words = requireWords(pictures, data);
  const { letters } = lettersOf([...new Set(words)].join("").concat(" "), data);
  const { labelDim: _, classNames: __, labelDropout: ___, ...network } = loadModel(shipped).config;
  const textLength = words.reduce((length, word) => Math.max(length, word.length), 1);
  const config = parseDenoiserConfig({ ...network, network: "pair-unet", letters, textLength });
  const language = new Letters(letters);
  const layout = pairLayout(config);
  const pairs = new TensorDataset(new Pairs(pictures, words, { language, textLength }));
  const { encode } = pairCodec(layout, language);
  const dataset = new TensorDataset(
    new EncodedSamples(pairs, { name: "letters", sampleShape: [layout.size], encode }),
  );
  return trainedTeacher(folder, {
    dataset,
    config,
    shipped,
    part: "unet.",
    more: { noiseMean: -0.6, noiseStandardDeviation: 1.4 },
    ...sizes,
  });
}

/** The teacher's figures, kept: its samples take tens of evaluations. */
function ofTheTeacher() {
  const file = join(work, "teacher.json");
  if (!existsSync(file)) {
    const count = ["--count", String(sizes.samples)];
    writeFileSync(file, disback("evaluate", teacher, "--data", data, ...count, "--threads", "1", "--json"));
  }
  const { fid, validWords, agreement, evaluations } = JSON.parse(readFileSync(file, "utf8"));
  return { fid, validWords, agreement, evaluations };
}

/** Final figures and the curve of a finished run, over the processor seconds of all stages' steps. */
function rowOf(method, seed, run) {
  const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").trim().split("\n");
  const curve = [];
  let [before, last] = [0, {}];
  for (const entry of lines.map((line) => JSON.parse(line))) {
    if (last.stage !== entry.stage) before += last.processorSeconds ?? 0;
    last = entry;
    const { stage, iteration, fid, validWords, agreement } = entry;
    const processorSeconds = Number((before + entry.processorSeconds).toFixed(1));
    if (fid !== undefined) curve.push({ stage, iteration, processorSeconds, fid, validWords, agreement });
  }
  return { method, seed, ...curve.at(-1), curve };
}

function stateOf(run) {
  const file = join(run, "run.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).state : undefined;
}

function runOf(method, seed) {
  return join(work, `${method.replace(/\W+/g, "-")}-${seed}`);
}

function disback(...given) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...given], {
    encoding: "utf8",
    env: { ...process.env, OMP_NUM_THREADS: "1" },
  });
  if (status !== 0) throw new Error(`disback ${given[0]}: ${stderr.trim().split("\n").at(-1)}`);
  return stdout;
}

/** A line of ten pairs for each model, of the same latents. */
async function drawPicture() {
  const runs = Object.keys(methods).map((method) => runOf(method, 1));
  const models = [teacher, ...runs.filter((run) => stateOf(run) === "finished")];
  const { config } = loadModel(teacher);
  const pair = { pictureShape: pairLayout(config).pictureShape, language: new Letters(config.letters) };
  const drawn = [];
  for (const model of models) {
    const { generate } = await load(model);
    drawn.push((await generate({ count: 10, seed: 3 })).samples);
  }
  const all = cat(drawn);
  const path = fileURLToPath(new URL("../docs/images/pairs.png", import.meta.url));
  await writeGrid(path, picturesIn(all, pair), { columns: 10, captions: wordsIn(all, pair) });
  console.log(path);
}
