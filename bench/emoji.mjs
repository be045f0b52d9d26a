// Type a name, see a picture: a text-to-image teacher trained on emoji with their names, distilled to one step by the
// command line, and judged by a network that learned the emoji apart from it. docs/emoji.md tells it.
//
//   node bench/emoji.mjs [--threads 1] [--iterations 7000] [--smoke]
//   node bench/emoji.mjs --figures      of models that are there
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fromTypedArray, manualSeed, setNumThreads } from "@disback/torch";
import { load } from "disback";
import { fixedNames, readEmoji, writeDataset } from "./emoji/dataset.mjs";
import { install } from "./emoji/install.mjs";
import { pictures, retrieval, trainJudge } from "./emoji/judge.mjs";
import { machine, printTable, save } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    /** seconds instead of an hour: every step of the way, figures that say nothing */
    smoke: { type: "boolean", default: false },
    figures: { type: "boolean", default: false },
    iterations: { type: "string", default: "7000" },
    /** student steps */
    distillation: { type: "string", default: "600" },
    threads: { type: "string", default: "1" },
    /** classifier-free guidance of teacher and target */
    guidance: { type: "string", default: "2" },
  },
});
const { smoke } = flags;
const sizes = smoke
  ? { iterations: 4, distillation: 2, batch: 4, judge: 5, names: 8, steps: 2 }
  : {
      iterations: Number(flags.iterations),
      distillation: Number(flags.distillation),
      ...{ batch: 32, judge: 800, names: 256, steps: 18 },
    };
const program = fileURLToPath(new URL("../packages/disback/dist/cli/main.js", import.meta.url));
const work = fileURLToPath(new URL(`emoji/work/${smoke ? "smoke" : "full"}/`, import.meta.url));
setNumThreads(Number(flags.threads));
manualSeed(0);
if (smoke) rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });

const emoji = readEmoji(install(fileURLToPath(new URL("emoji/work/packages", import.meta.url))));
const data = join(work, "pictures");
await writeDataset(data, emoji);
const teacher = join(work, "teacher");
const students = { student: "same", "quarter-size student": "small" };
if (!flags.figures) {
  train();
  for (const [name, start] of Object.entries(students)) distill(place(name), start);
}
await figures();

function place(name) {
  return join(work, name.replaceAll(" ", "-"));
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
      ...{ decayFrom: Math.round(0.4 * sizes.iterations), averageHalfLife: 20_000 },
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

function distill(out, start) {
  if (existsSync(join(out, "student"))) return;
  const iterations = sizes.distillation;
  disback(
    ...["distill", "--teacher", teacher, "--student", start, "--method", "plain", "--out", out, "--force"],
    ...["--guidance", flags.guidance, "--iterations", iterations, "--batch-size", sizes.batch, "--seed", 16],
    ...["--precision", "bf16", "--threads", flags.threads, "--imitation-steps", smoke ? 2 : 300],
    ...["--set", `evaluation.every=${Math.ceil(iterations / 6)}`, "evaluation.samples=32"],
    ...["evaluation.grid=20", "evaluation.teacherSteps=12", "checkpoints.every=50"],
  );
}

async function figures() {
  const images = await pictures(data, emoji.length);
  const judge = trainJudge(images, { steps: sizes.judge });
  const right = Array.from({ length: sizes.names }, (_, row) => (row * 5) % emoji.length);
  const prompt = right.map((place) => emoji[place].name);
  const rows = [["", "evaluations", "right among 64"]];
  const results = {};
  const add = (name, evaluations, drawn) => {
    results[name] = { evaluations, retrieval: retrieval(judge(drawn), right) };
    rows.push([name, String(evaluations), `${(100 * results[name].retrieval).toFixed(1)} %`]);
  };
  add("the emoji themselves", 0, images.indexSelect(0, tensorOf(right)));
  add("emoji in another order", 0, images.indexSelect(0, tensorOf([...right].reverse())));
  const sources = {
    teacher,
    ...Object.fromEntries(Object.keys(students).map((name) => [name, place(name)])),
  };
  for (const [name, source] of Object.entries(sources)) {
    if (!existsSync(source)) continue;
    const model = await load(source);
    const options = name === "teacher" ? { steps: sizes.steps, guidance: Number(flags.guidance) } : {};
    const { samples, evaluations } = await model.generate({
      count: right.length,
      prompt,
      seed: 3,
      ...options,
    });
    add(name, evaluations, samples);
    const picture = join(work, `${name.replaceAll(" ", "-")}.png`);
    const file = join(work, "names.txt");
    writeFileSync(file, `${fixedNames.join("\n")}\n`);
    const guided = name === "teacher" ? ["--guidance", flags.guidance] : [];
    disback(
      ...["sample", source, "--prompts", file, "--count", 20, "--columns", 5, "--seed", 3, ...guided],
      ...["--out", picture, "--force"],
    );
  }
  printTable(rows);
  if (!smoke) save("emoji", { machine: machine(), settings: { ...flags, ...sizes }, results });
}

function tensorOf(places) {
  return fromTypedArray(BigInt64Array.from(places, BigInt), [places.length]);
}

function disback(...words) {
  const { status } = spawnSync(process.execPath, [program, ...words.map(String)], { stdio: "inherit" });
  if (status !== 0) throw new Error(`disback ${words[0]} failed`);
}
