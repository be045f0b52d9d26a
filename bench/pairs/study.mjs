// A study of pairs of a picture and its word: a teacher, one-step students of it, which are runs of the command line, their
// figures and a picture. bench/pairs.mjs and bench/pairs-emoji.mjs say of which data.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cat } from "@disback/torch";
import { load } from "disback";
import { openDataset, TensorDataset, writeGrid } from "disback/data";
import { loadModel, pairLayout, parseDenoiserConfig } from "disback/models";
import { EncodedSamples } from "../../packages/disback/dist/data/encoded-samples.js";
import { Pairs, requireWords } from "../../packages/disback/dist/data/pairs.js";
import { picturesIn, wordsIn } from "../../packages/disback/dist/runs/samples/pairs.js";
import { pairCodec } from "../../packages/disback/dist/text/language/codecs.js";
import { Letters, lettersOf } from "../../packages/disback/dist/text/language/letters.js";
import { shippedTeacher } from "../begin.mjs";
import { printTable } from "../report.mjs";
import { drawCurves } from "../tasks/curves.mjs";
import { trainedTeacher } from "../tasks/teachers.mjs";

const program = fileURLToPath(new URL("../../packages/disback/dist/cli/main.js", import.meta.url));
const figures = ["fid", "validWords", "agreement"];

/**
 * Makes what is not made yet, as far as `begun` allows, and stores all figures.
 * @param name of the pictures in docs/images
 * @param begun what `begin` gave
 * @param data folder of pictures in classes with names
 * @param channels of a picture
 * @param start shipped teacher whose network and weights the pairs' teacher starts with
 * @param training the teacher's settings, see `trainedTeacher`
 * @param judging flags of every judgement
 * @param settings of every student
 * @param methods settings and seeds of each kind of student, by its name
 * @param document what the result says besides the figures
 */
export async function study(options) {
  const { name, begun, data, channels, start, training, samples, judging = [], settings, methods } = options;
  const { smoke, work, mayGoOn, store } = begun;
  const teacher = await makeTeacher();
  const runOf = (method, seed) => join(work, `${method.replace(/\W+/g, "-")}-${seed}`);
  const planned = Object.entries(methods).flatMap(([method, { seeds, ...rest }]) =>
    seeds.map((seed) => ({ method, seed, run: runOf(method, seed), ...rest })),
  );
  for (const { seed, run, settings: own } of planned.sort((a, b) => a.seed - b.seed)) {
    if (stateOf(run) === "finished" || !mayGoOn()) continue;
    if (existsSync(run)) disback("resume", run);
    else
      disback(
        ...["distill", "--preset", "pairs", "--teacher", teacher, "--data", data, "--seed", String(seed)],
        ...["--threads", "1", "--out", run, ...judging, "--set", ...settings, ...own],
      );
  }
  const rows = planned
    .filter(({ run }) => stateOf(run) === "finished")
    .map(({ method, seed, run }) => rowOf(method, seed, run));
  const ofTeacher = ofTheTeacher();
  store({ ...options.document, teacher: ofTeacher, rows });
  printTable([
    ["", "seeds", ...figures],
    ["data", "", "", "", options.document.data.agreement.toFixed(3)],
    ["teacher", "", ...figures.map((figure) => shown(ofTeacher[figure]))],
    ...Object.keys(methods).flatMap((method) => {
      const own = rows.filter((row) => row.method === method);
      const cells = figures.map((figure) => own.map((row) => shown(row[figure])).join(" "));
      return own.length > 0 ? [[method, own.length, ...cells]] : [];
    }),
  ]);
  if (smoke || rows.length === 0) return;
  const panels = [
    { title: "FID of the pictures", figure: "fid", logarithmic: true },
    { title: "valid words", figure: "validWords" },
    { title: "picture and word agree", figure: "agreement" },
  ].map((panel) => ({ ...panel, level: ofTeacher[panel.figure] }));
  drawCurves(`${name}-curves.svg`, { panels, rows, x: "processorSeconds", xName: "processor seconds" });
  await drawPicture(
    Object.keys(methods)
      .map((method) => runOf(method, methods[method].seeds[0]))
      .filter((run) => stateOf(run) === "finished"),
  );

  async function makeTeacher() {
    const folder = join(work, "teacher");
    if (existsSync(folder)) return folder;
    const shipped = shippedTeacher(start);
    const pictures = await openDataset(data, { resolution: 16, channels, labels: true });
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
    return trainedTeacher(folder, { dataset, config, shipped, part: "unet.", ...training });
  }

  /** The teacher's figures, kept: its samples take tens of evaluations. */
  function ofTheTeacher() {
    const file = join(work, "teacher.json");
    if (!existsSync(file)) {
      const count = ["--count", String(samples), ...judging];
      writeFileSync(file, disback("evaluate", teacher, "--data", data, ...count, "--threads", "1", "--json"));
    }
    const { fid, validWords, agreement, evaluations } = JSON.parse(readFileSync(file, "utf8"));
    return { fid, validWords, agreement, evaluations };
  }

  /** A line of ten pairs for each model, of the same latents. */
  async function drawPicture(runs) {
    const { config } = loadModel(teacher);
    const pair = { pictureShape: pairLayout(config).pictureShape, language: new Letters(config.letters) };
    const drawn = [];
    for (const model of [teacher, ...runs]) {
      const { generate } = await load(model);
      drawn.push((await generate({ count: 10, seed: 3 })).samples);
    }
    const all = cat(drawn);
    const path = fileURLToPath(new URL(`../../docs/images/${name}.png`, import.meta.url));
    await writeGrid(path, picturesIn(all, pair), { columns: 10, captions: wordsIn(all, pair) });
    console.log(path);
  }
}

/** Agreement is not measured where the classifier is not good enough, as in a smoke test. */
const shown = (figure) => figure?.toFixed(3) ?? "-";

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

function disback(...given) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...given], {
    encoding: "utf8",
    env: { ...process.env, OMP_NUM_THREADS: "1" },
  });
  if (status !== 0) throw new Error(`disback ${given[0]}: ${stderr.trim().split("\n").at(-1)}`);
  return stdout;
}
