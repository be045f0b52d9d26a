// Students of texts: a small GPT of a larger one, and letters in one step; with a trajectory, without, and as is usual.
//
//   node bench/language.mjs [--part gpt,alpha8,words,letters] [--seeds 1,2,3] [--methods …] [--finished] [--smoke]
//
// Every run is done by the command line and kept in bench/language/work, so that a stopped measurement goes on where it was.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fromTypedArray, setNumThreads } from "@disback/torch";
import { load } from "disback";
import { crossEntropyOf, openLanguageModel } from "disback/models";
import { ALPHA8, alpha8, brown, frequentWords, PACKAGE } from "./language/corpus.mjs";
import { machine, printTable, save, spread } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    part: { type: "string", default: "gpt,alpha8,words,letters" },
    seeds: { type: "string", default: "1,2,3" },
    methods: { type: "string" },
    /** tabulate the runs that are finished, start none */
    finished: { type: "boolean", default: false },
    /** every step of the way with tiny sizes, in seconds; its figures mean nothing */
    smoke: { type: "boolean", default: false },
  },
});
setNumThreads(1);
const program = fileURLToPath(new URL("../packages/disback/dist/cli/main.js", import.meta.url));
const work = fileURLToPath(new URL(`language/work/${flags.smoke ? "smoke" : "full"}/`, import.meta.url));
const results = new URL("results/language.json", import.meta.url);
if (flags.smoke) rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });

/** The settings of a smoke test, over those of a part. */
const tiny = {
  teacher: { "training.iterations": 6, "evaluation.every": 6, "evaluation.samples": 8 },
  distill: {
    "imitation.steps": 4,
    "recording.steps": 4,
    "backtracking.iterations": 4,
    "evaluation.every": 2,
    "evaluation.samples": 8,
  },
};
const small = { "evaluation.samples": 300, "evaluation.grid": 12, "evaluation.teacher": false };
const gkd = { "backtracking.objective": "gkd", ...small };
const letters = { sigmaInit: 2, ...small };

const parts = {
  gpt: {
    text: () => brown(work),
    teacher: {
      vocabularySize: 512,
      "language.layers": 4,
      "language.heads": 4,
      "language.channelsPerHead": 24,
      "language.textLength": 48,
      "training.iterations": 1600,
      "training.batchSize": 32,
      "training.learningRate": 3e-3,
      "training.averageHalfLife": 8000,
      "evaluation.every": 800,
      "evaluation.samples": 300,
      "evaluation.grid": 12,
      "checkpoints.every": 200,
    },
    shared: {
      student: "small",
      "backtracking.iterations": 400,
      "backtracking.batchSize": 32,
      "backtracking.studentLearningRate": 2e-3,
      "backtracking.betas": [0.9, 0.999],
      "backtracking.emaDecay": 0.98,
      "recording.steps": 60,
      "recording.batchSize": 32,
      "recording.learningRate": 3e-4,
      "evaluation.every": 50,
    },
    methods: {
      "nodes, then the teacher": { ...gkd, method: "disback" },
      "GKD without nodes": { ...gkd, method: "plain" },
      "on data, KL(T | S)": { ...small, "backtracking.objective": "supervised", method: "plain" },
    },
    judge: judgeLanguage,
  },
  alpha8: {
    text: () => lawful(),
    teacher: lettersTeacher({ iterations: 900, layers: 2, width: 16, textLength: 16 }),
    shared: lettersStudent({ iterations: 200 }),
    methods: lettersMethods(),
    judge: judgeLaw,
  },
  words: { ...presetLetters(), text: () => frequentWords(work, 100) },
  letters: { ...presetLetters(), text: () => brown(work, true) },
};

/** The preset as it is. */
function presetLetters() {
  const presets = ["--preset", "letters"];
  return { presets, teacher: {}, shared: {}, methods: lettersMethods(), judge: judgeSamples };
}

/** @param width channels per head */
function lettersTeacher({ iterations, layers, width, textLength }) {
  return {
    "model.network": "text-transformer",
    "model.textLength": textLength,
    "model.layers": layers,
    "model.heads": 4,
    "model.channelsPerHead": width,
    "training.iterations": iterations,
    "training.batchSize": 64,
    "training.learningRate": 4e-3,
    "training.averageHalfLife": 10000,
    "training.noiseMean": -0.7,
    "training.noiseStandardDeviation": 1,
    "evaluation.every": iterations / 2,
    "evaluation.samples": 300,
    "evaluation.grid": 12,
    "checkpoints.every": 300,
  };
}

function lettersStudent({ iterations }) {
  return {
    "backtracking.iterations": iterations,
    "backtracking.batchSize": 64,
    "backtracking.studentLearningRate": 1e-3,
    "backtracking.auxiliaryLearningRate": 2e-3,
    "backtracking.emaDecay": 0.98,
    "recording.steps": 60,
    "recording.batchSize": 64,
    "recording.learningRate": 3e-4,
    "imitation.steps": 150,
    "imitation.batchSize": 64,
    "evaluation.every": 50,
  };
}

function lettersMethods() {
  const untrained = { ...letters, student: "untrained" };
  return {
    "untrained, trajectory": { ...untrained, method: "disback" },
    "untrained, Diff-Instruct alone": { ...untrained, method: "plain" },
    "untrained, imitation first (auto)": { ...untrained, method: "auto" },
    "teacher's copy, Diff-Instruct (auto)": { ...letters, student: "same", method: "auto" },
  };
}

const measured = existsSync(results) && !flags.smoke ? JSON.parse(readFileSync(results, "utf8")).parts : {};
for (const part of flags.part.split(",")) {
  if (!(part in parts)) throw new Error(`--part: ${part} is none of ${Object.keys(parts).join(", ")}`);
  measured[part] = await perform(part, parts[part]);
  if (!flags.smoke) save("language", { machine: machine(), package: PACKAGE, parts: measured });
}

async function perform(part, { text, presets = [], teacher, shared, methods, judge }) {
  const { train, heldOut, law } = text();
  const teacherRun = join(work, `${part}-teacher`);
  const teacherSettings = { ...teacher, ...(flags.smoke ? tiny.teacher : {}) };
  run(["teacher", "train", ...presets, "--data", train], teacherSettings, teacherRun, 1);
  const setting = { teacherRun, heldOut, law, data: train };
  const level = entriesOf(teacherRun).at(-1).trigramDivergence;
  const rows = { teacher: [{ ...(await judged(teacherRun, judge, setting)), level }] };
  const chosen = flags.methods?.split(";") ?? Object.keys(methods);
  for (const seed of flags.seeds.split(",").map(Number)) {
    for (const name of chosen) {
      const folder = join(work, `${part}-${name.replace(/\W+/g, "-")}-${seed}`);
      if (flags.finished && stateOf(folder) !== "finished") continue;
      const settings = { ...shared, ...methods[name], ...(flags.smoke ? tiny.distill : {}) };
      run(["distill", ...presets, "--teacher", teacherRun, "--data", train], settings, folder, seed);
      rows[name] ??= [];
      rows[name].push({ seed, ...(await judged(folder, judge, setting)), ...costOf(folder) });
      print(part, rows);
    }
  }
  return { teacher: teacherSettings, shared, methods, rows };
}

/** The figures of a finished run, kept beside it. */
async function judged(folder, judge, setting) {
  const kept = `${folder}.figures.json`;
  if (!existsSync(kept)) writeFileSync(kept, JSON.stringify(await judge(folder, setting)));
  return JSON.parse(readFileSync(kept, "utf8"));
}

/** Starts a run, or goes on with it; does nothing if it is finished. */
function run(command, settings, folder, seed) {
  const state = stateOf(folder);
  if (state === "finished") return;
  const config = `${folder}.json`;
  writeFileSync(config, JSON.stringify(nested(settings)));
  const flagsOf =
    state === undefined
      ? [...command, "--out", folder, "--force", "--seed", String(seed), "--threads", "1", "--config", config]
      : ["resume", folder];
  const { status } = spawnSync(process.execPath, [program, ...flagsOf], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) throw new Error(`${flagsOf[0]} ended with ${status}`);
}

/** State of the run in a folder; `undefined` if there is none. */
function stateOf(folder) {
  const record = join(folder, "run.json");
  return existsSync(record) ? JSON.parse(readFileSync(record, "utf8")).state : undefined;
}

/** `{ "a.b.c": 1 }` as `{ a: { b: { c: 1 } } }`. */
function nested(settings) {
  const tree = {};
  for (const [name, value] of Object.entries(settings)) {
    const path = name.split(".");
    let branch = tree;
    for (const part of path.slice(0, -1)) branch = branch[part] ??= {};
    branch[path.at(-1)] = value;
  }
  return tree;
}

/** Processor seconds of the whole run, and the curve over them. */
function costOf(folder) {
  const entries = entriesOf(folder);
  const spent = {};
  const curve = [];
  for (const { stage, iteration, processorSeconds = 0, trigramDivergence } of entries) {
    spent[stage] = processorSeconds;
    const seconds = Object.values(spent).reduce((sum, one) => sum + one, 0);
    if (stage === "backtrack") curve.push({ iteration, seconds, trigramDivergence });
  }
  return { seconds: curve.at(-1).seconds, curve };
}

function entriesOf(folder) {
  const lines = readFileSync(join(folder, "metrics.jsonl"), "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

/** What is measured of every kind of text. */
async function judgeSamples(folder, { data }) {
  const count = flags.smoke ? 16 : 500;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, "evaluate", folder, "--data", data, "--count", String(count), "--threads", "1", "--json"],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  const { trigramDivergence, textPerplexity, validWords, distinctPairs, evaluations } = JSON.parse(stdout);
  return {
    trigramDivergence,
    textPerplexity,
    validWords,
    distinctPairs,
    evaluations,
    texts: textsOf(folder),
  };
}

/** The first texts of a seed, for people. */
function textsOf(folder) {
  const file = join(work, "texts.txt");
  const { status, stderr } = spawnSync(
    process.execPath,
    [program, "sample", folder, "--count", "6", "--seed", "5", "--threads", "1", "--force", "--out", file],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

/** Also the teacher's perplexity of the texts and the model's own of held-out text, per token. */
async function judgeLanguage(folder, setting) {
  const model = (name) => join(folder, name);
  const own = await openLanguageModel(existsSync(model("student")) ? model("student") : model("teacher"));
  const { model: teacher } = await openLanguageModel(join(setting.teacherRun, "teacher"));
  const { samples } = await (await load(folder)).generate({ count: flags.smoke ? 8 : 300, seed: 5 });
  const heldOut = tokensOf(own.language, readFileSync(setting.heldOut, "utf8"), own.model.length);
  return {
    ...(await judgeSamples(folder, setting)),
    parameters: own.model.parameters().reduce((sum, { numel }) => sum + numel, 0),
    teacherPerplexity: Math.exp(crossEntropyOf(teacher, samples.to("int64"))),
    heldOutPerplexity: Math.exp(crossEntropyOf(own.model, heldOut)),
  };
}

/** The first 300 windows of a text. */
function tokensOf(language, text, length) {
  const lines = text.split("\n").filter((line) => line !== "");
  const rows = [];
  for (let start = 0; rows.length < 300 && start < lines.length; start += 3) {
    const tokens = language.encode(`${lines.slice(start, start + 8).join("\n")}\n`);
    if (tokens.length >= length) rows.push(...tokens.slice(0, length));
    if (rows.length >= 300 * length) break;
  }
  return fromTypedArray(BigInt64Array.from(rows, BigInt), [rows.length / length, length]);
}

/** Letters of a known law, and the law. */
function lawful() {
  const { law, text } = alpha8();
  const train = join(work, "alpha8.txt");
  writeFileSync(train, text);
  return { train, law };
}

/** Also nats per letter under the law itself; a text of the law has its entropy rate. */
async function judgeLaw(folder, setting) {
  const { samples } = await (await load(folder)).generate({ count: flags.smoke ? 16 : 500, seed: 5 });
  const rows = samples.toArray();
  return {
    ...(await judgeSamples(folder, setting)),
    lawNats: natsUnder(setting.law, rows),
    entropyNats: natsUnder(setting.law, windows(readFileSync(setting.data, "utf8"), rows[0].length)),
  };
}

function natsUnder(law, rows) {
  let [sum, count] = [0, 0];
  for (const row of rows) {
    for (let place = 1; place < row.length; place++) {
      sum -= Math.log(law[row[place - 1]][row[place]]);
      count++;
    }
  }
  return sum / count;
}

function windows(text, length) {
  const tokens = [...text.slice(0, 100_000)].map((letter) => ALPHA8.indexOf(letter));
  return Array.from({ length: Math.floor(tokens.length / length) }, (_, row) =>
    tokens.slice(row * length, (row + 1) * length),
  );
}

function print(part, rows) {
  const names = Object.keys(rows.teacher[0]).filter((name) => typeof rows.teacher[0][name] === "number");
  const columns = [...names, "seconds"];
  const cell = (list, name) => {
    const values = list.map((row) => row[name]).filter((value) => typeof value === "number");
    return values.length > 0 ? String(Number(spread(values).median.toPrecision(3))) : "";
  };
  console.log(`\n${part}, medians`);
  printTable([
    ["", "runs", ...columns],
    ...Object.entries(rows).map(([name, list]) => [
      name,
      String(list.length),
      ...columns.map((column) => cell(list, column)),
    ]),
  ]);
}
