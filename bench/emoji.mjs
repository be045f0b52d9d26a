// Type a name, see a picture: a text-to-image teacher trained on emoji with their names, distilled to one step by the
// command line, and judged by networks that learned apart from it. docs/emoji.md tells it. A stopped script goes on.
//
//   node bench/emoji.mjs [--threads 1] [--only teacher|students|variants|figures] [--smoke]
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fromTypedArray, manualSeed, scope, setNumThreads } from "@disback/torch";
import { load } from "disback";
import { frechetDistance } from "disback/metrics";
import { fixedNames, readEmoji, writeDataset } from "./emoji/dataset.mjs";
import { efficientNet } from "./emoji/efficientnet.mjs";
import { install, installEfficientNet } from "./emoji/install.mjs";
import { pictures, retrieval, trainJudge } from "./emoji/judge.mjs";
import { machine, printTable, save } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    /** seconds instead of two hours: every step of the way, figures that say nothing */
    smoke: { type: "boolean", default: false },
    only: { type: "string" },
    threads: { type: "string", default: "1" },
  },
});
const { smoke } = flags;
const sizes = smoke
  ? { iterations: 4, student: 2, quarter: 2, variant: 1, batch: 4, judge: 5, names: 8, steps: 2 }
  : {
      iterations: 5000,
      student: 200,
      quarter: 300,
      variant: 30,
      batch: 32,
      judge: 800,
      names: 128,
      steps: 12,
    };
const guidance = 2;
const program = fileURLToPath(new URL("../packages/disback/dist/cli/main.js", import.meta.url));
const packages = fileURLToPath(new URL("emoji/work/packages", import.meta.url));
const work = fileURLToPath(new URL(`emoji/work/${smoke ? "smoke" : "full"}/`, import.meta.url));
setNumThreads(Number(flags.threads));
manualSeed(0);
if (smoke) rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });

const emoji = readEmoji(install(packages));
const data = join(work, "pictures");
await writeDataset(data, emoji);
/** Names, other words for them, and parts of both: students learn from what people may type. */
const prompts = join(work, "prompts.txt");
writeFileSync(prompts, lines([...fixedNames, ...captions()]));
const names = join(work, "names.txt");
writeFileSync(names, lines(fixedNames));
const teacher = join(work, "teacher");

/** What ships. */
const students = {
  student: ["--student", "same", "--method", "plain", "--iterations", sizes.student],
  "quarter-size-student": [
    ...[
      "--student",
      "small",
      "--iterations",
      sizes.quarter,
      "--set",
      "backtracking.studentLearningRate=5e-4",
    ],
    ...[`imitation.steps=${smoke ? 2 : 400}`, "imitation.tolerance=0.02"],
  ],
};
/** Short runs beside each other: one thing is different in each. */
const short = ["--student", "same", "--iterations", sizes.variant];
const recording = smoke ? 2 : 60;
const variants = {
  "plain-16": [...short, "--method", "plain"],
  unguided: [...short, "--method", "plain", "--guidance", 1],
  "two-steps": [...short, "--method", "plain", "--student-steps", 2],
  rank: [...short, "--method", "plain", "--rank", 16],
  trajectory: [
    ...[...short, "--method", "disback", "--set", `recording.steps=${recording}`],
    ...["recording.batchSize=32", "recording.maximumNodes=2"],
  ],
  "plain-17": [...short, "--method", "plain", "--seed", 17],
  "plain-18": [...short, "--method", "plain", "--seed", 18],
};
const parts = {
  teacher: train,
  students: () => distillAll(students),
  variants: () => distillAll(variants),
  figures,
};
if (flags.only !== undefined && !(flags.only in parts))
  throw new Error(`--only ${flags.only}: not one of ${Object.keys(parts).join(", ")}`);
for (const [name, part] of Object.entries(parts)) if ((flags.only ?? name) === name) await part();

function captions() {
  const rows = readFileSync(join(data, "metadata.jsonl"), "utf8").trim().split("\n");
  return rows.map((row) => JSON.parse(row).text);
}

function lines(texts) {
  return `${[...new Set(texts)].join("\n")}\n`;
}

function train() {
  if (existsSync(join(teacher, "teacher"))) return;
  if (existsSync(join(teacher, "checkpoints"))) return disback("resume", teacher);
  const settings = {
    ...{ seed: 16, threads: Number(flags.threads), precision: "bf16", captions: true, vocabularySize: 1200 },
    model: {
      ...{ network: "text-unet", imageResolution: 32, imageChannels: 3 },
      ...{ blockChannels: [64, 64, 96], attentionResolutions: [] },
      prompts: [...new Set([...fixedNames, ...emoji.map(({ name }) => name)])],
    },
    training: {
      ...{ iterations: sizes.iterations, batchSize: sizes.batch, learningRate: 1e-3, rampUp: 300 },
      ...{ decayFrom: Math.round(0.5 * sizes.iterations), averageHalfLife: 20_000 },
      // Which picture it becomes is decided at high noise levels.
      ...{ noiseMean: 0.4, noiseStandardDeviation: 1.4 },
    },
    evaluation: { every: Math.ceil(sizes.iterations / 8), samples: 32, grid: 20, teacherSteps: 12 },
    checkpoints: { every: Math.min(100, sizes.iterations) },
  };
  const file = join(work, "teacher.json");
  writeFileSync(file, JSON.stringify(settings));
  disback("teacher", "train", "--config", file, "--data", data, "--out", teacher, "--force");
}

function distillAll(runs) {
  for (const [name, words] of Object.entries(runs)) {
    const out = join(work, name);
    if (existsSync(join(out, "student"))) continue;
    if (existsSync(join(out, "checkpoints"))) {
      disback("resume", out);
      continue;
    }
    disback(
      ...["distill", "--teacher", teacher, "--out", out, "--force", "--prompts", prompts, "--seed", 16],
      ...["--guidance", guidance, "--batch-size", sizes.batch, "--precision", "bf16"],
      ...["--threads", flags.threads, ...words, "--set", "backtracking.auxiliaryLearningRate=1e-3"],
      ...["backtracking.emaDecay=0.98", "evaluation.every=50", "evaluation.samples=16", "evaluation.grid=20"],
      ...["evaluation.teacher=false", "checkpoints.every=50", "checkpoints.keepBest=false"],
      ...(words.join().includes("studentLearningRate")
        ? []
        : ["--set", "backtracking.studentLearningRate=3e-4"]),
    );
  }
}

async function figures() {
  const images = await pictures(data, emoji.length);
  const judge = trainJudge(images, { steps: sizes.judge });
  const photographs = await efficientNet(installEfficientNet(packages));
  const spaces = { fidEfficientNet: photographs, fidOwn: judge.features };
  const real = Object.fromEntries(
    Object.entries(spaces).map(([name, features]) => [name, statistics(features(images))]),
  );
  const right = Array.from({ length: sizes.names }, (_, row) => (row * 5) % emoji.length);
  const prompt = right.map((place) => emoji[place].name);
  const rows = [["", "evaluations", "right among 64", "FID, EfficientNet-Lite0", "FID, own features"]];
  const results = {};
  const add = (name, evaluations, drawn) =>
    scope(() => {
      const distances = Object.entries(spaces).map(([space, features]) => [
        space,
        frechetDistance(statistics(features(drawn)), real[space]),
      ]);
      const figures = { retrieval: retrieval(judge.scores(drawn), right), ...Object.fromEntries(distances) };
      results[name] = { evaluations, ...figures };
      const { retrieval: share, fidEfficientNet, fidOwn } = figures;
      rows.push([
        name,
        evaluations,
        `${(100 * share).toFixed(1)} %`,
        fidEfficientNet.toFixed(1),
        fidOwn.toFixed(1),
      ]);
      console.error(rows.at(-1).join("  "));
    });
  add("the emoji themselves", 0, images.indexSelect(0, placesOf(right)));
  add("emoji in another order", 0, images.indexSelect(0, placesOf([...right].reverse())));
  const sources = {
    "teacher, guidance 2": [teacher, { steps: sizes.steps, guidance }],
    "teacher, unguided": [teacher, { steps: sizes.steps }],
    ...Object.fromEntries(
      [...Object.keys(students), ...Object.keys(variants)].map((name) => [name, [join(work, name), {}]]),
    ),
  };
  for (const [name, [source, options]] of Object.entries(sources)) {
    if (!existsSync(join(source, source === teacher ? "teacher" : "student"))) continue;
    const model = await load(source);
    const { samples, evaluations } = await model.generate({
      count: right.length,
      prompt,
      seed: 3,
      ...options,
    });
    add(name, evaluations, samples);
    samples.dispose();
  }
  for (const name of ["teacher", ...Object.keys(students)]) drawFixedNames(name);
  printTable(rows.map((row) => row.map(String)));
  if (!smoke) save("emoji", { machine: machine(), settings: { ...sizes, guidance }, results });
}

/** The picture that docs show. */
function drawFixedNames(name) {
  if (!existsSync(join(work, name))) return;
  const guided = name === "teacher" ? ["--guidance", guidance, "--steps", sizes.steps] : [];
  disback(
    ...[
      "sample",
      join(work, name),
      "--prompts",
      names,
      "--count",
      20,
      "--columns",
      5,
      "--seed",
      3,
      ...guided,
    ],
    ...["--out", join(work, `${name}.png`), "--force"],
  );
}

function statistics(features) {
  const rows = features.to("float64");
  const mean = rows.mean([0]);
  const centred = rows.sub(mean);
  const [count] = rows.shape;
  return {
    count,
    mean,
    covariance: centred
      .t()
      .matmul(centred)
      .div(count - 1),
  };
}

function placesOf(places) {
  return fromTypedArray(BigInt64Array.from(places, BigInt), [places.length]);
}

function disback(...words) {
  const { status } = spawnSync(process.execPath, [program, ...words.map(String)], { stdio: "inherit" });
  if (status !== 0) throw new Error(`disback ${words[0]} failed`);
}
