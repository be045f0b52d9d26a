// Where a trajectory pays on images: noise range x student x resolution of the same data (Fashion-MNIST), for plain, the
// auxiliary model's start alone and the whole path: FID and recall. The teachers of 16x16 and 32x32 are the shipped ones; that
// of 8x8 is the first, trained on at 8x8. 8x8 is judged by the classifier of 16x16, pixels doubled.
//   node bench/trajectory-images.mjs --data t10k-images-idx3-ubyte.gz [--seeds 1] [--only REGEX] [--smoke] [--work FOLDER]
// Rows that bench/results/trajectory-images.json has already (same settings) are not measured again, so it can be stopped.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Generator, noGrad, randn, setNumThreads, Upsample } from "@disback/torch";
import {
  Backtracking,
  DenoiserStudent,
  DenoisingFit,
  DiffInstruct,
  GeneratorStudent,
  LogNormal,
  measureReach,
  record,
} from "disback";
import { openDataset } from "disback/data";
import { evaluate, loadShippedExtractor, loadShippedReference, referenceStatistics } from "disback/metrics";
import { createDenoiser, createGenerator, heun, loadModel, saveModel, TeacherTraining } from "disback/models";
import { cpuSeconds } from "./generators/common.mjs";
import { machine, save } from "./report.mjs";

setNumThreads(1);
const { values: flags } = parseArgs({
  options: {
    data: { type: "string" },
    seeds: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    smoke: { type: "boolean", default: false },
    work: { type: "string", default: join(tmpdir(), "disback-trajectory-images") },
  },
});
const { smoke } = flags;
const settings = {
  iterations: smoke ? 4 : 200,
  batchSize: 16,
  studentLearningRate: 3e-4,
  auxiliaryLearningRate: 6e-4,
  recording: { steps: smoke ? 8 : 60, batchSize: 16, learningRate: 1e-3 },
  judged: smoke ? 40 : 500,
};
const ranges = { "N(-1.2, 1.2)": [-1.2, 1.2], "N(-2.6, 1.2)": [-2.6, 1.2], "N(-3, 0.6)": [-3, 0.6] };
const methods = ["plain", "start", "whole"];
const assets = fileURLToPath(new URL("../packages/disback/assets/teachers/", import.meta.url));
mkdirSync(flags.work, { recursive: true });

/** Teacher, and what judges it. */
const levels = {
  8: async () => {
    const extractor = doubled(loadShippedExtractor("fashion-mnist-16-classifier"));
    const dataset = await openDataset(flags.data, { resolution: 8 });
    const reference = await referenceStatistics(dataset, extractor, join(flags.work, "references"));
    return { ...(await smallTeacher(dataset)), extractor, reference };
  },
  16: async () => shipped(16),
  32: async () => shipped(32),
};

function shipped(size) {
  const name = `fashion-mnist-${size}-classifier`;
  const model = loadModel(join(assets, `fashion-mnist-${size}`));
  return { ...model, extractor: loadShippedExtractor(name), reference: loadShippedReference(name) };
}

/** The teacher of 16x16, trained on at 8x8. */
async function smallTeacher(dataset) {
  const folder = join(flags.work, smoke ? "teacher-8-smoke" : "teacher-8");
  if (existsSync(folder)) return loadModel(folder);
  const { denoiser, config } = loadModel(join(assets, "fashion-mnist-16"));
  const training = new TeacherTraining({
    ...{ dataset, execution: { seed: 1 }, iterations: smoke ? 4 : 500, batchSize: 64 },
    ...{ denoiser: copyOf(denoiser, { ...config, imageResolution: 8 }), averageHalfLife: 10_000 },
  });
  while (!training.finished) await training.step();
  saveModel(folder, training.average, { ...config, imageResolution: 8 });
  return loadModel(folder);
}

function copyOf(denoiser, config) {
  const copy = createDenoiser(config, { generator: new Generator(0) });
  const weights = denoiser.parameters();
  // Their names hold the resolution, so they are matched by order.
  noGrad(() => {
    for (const [k, weight] of copy.parameters().entries()) weight.copy_(weights[k]);
  });
  return copy;
}

/** An extractor that sees every pixel twice. */
function doubled(extractor) {
  const twice = new Upsample({ scaleFactor: 2 });
  return {
    name: `${extractor.name}, pixels doubled`,
    featureDim: extractor.featureDim,
    contentHash: `${extractor.contentHash}-doubled`,
    features: (images) => extractor.features(twice.forward(images)),
  };
}

function studentOf(name, { denoiser: teacher, config }, seed) {
  const generator = new Generator(seed);
  if (name === "dcgan") {
    const { imageResolution, imageChannels, labelDim } = config;
    const made = createGenerator(
      {
        network: "dcgan",
        latentSize: 64,
        modelChannels: 32,
        imageResolution,
        imageChannels,
        labelDim,
        sigmaData: 0.5,
      },
      { generator },
    );
    return new GeneratorStudent(made, { facts: teacher.facts });
  }
  const modelChannels = name === "small" ? config.modelChannels / 2 : config.modelChannels;
  return new DenoiserStudent(createDenoiser({ ...config, modelChannels }, { generator }), { sigmaInit: 2.5 });
}

async function judge(generate, { extractor, reference }) {
  const { fid, recall } = await evaluate({
    ...{ generate, extractor, reference, count: settings.judged },
    metrics: ["fid", "precisionRecall"],
  });
  return { fid: Number(fid.toFixed(1)), recall: Number(recall.toFixed(3)) };
}

function judgeStudent(student, against) {
  const random = new Generator(99);
  student.module.eval();
  const generate = (count) =>
    student.generate(student.latents(count, random), student.conditions.draw(count, random));
  return judge(generate, against);
}

async function measure(student, { against, noise, method, seed }) {
  const { denoiser: teacher } = against;
  const place = mkdtempSync(join(tmpdir(), "disback-images-"));
  const execution = { seed };
  const began = cpuSeconds();
  const trajectory =
    method === "plain"
      ? undefined
      : record({
          ...{ teacher, student, execution, fit: new DenoisingFit(noise) },
          ...{ folder: join(place, "path"), ...settings.recording },
        });
  const recordingSeconds = cpuSeconds() - began;
  const work = new Backtracking({
    ...{ teacher, student, trajectory, execution, objective: new DiffInstruct({ noise }) },
    ...settings,
    use: method === "start" ? "start" : "whole",
  });
  let seconds = recordingSeconds;
  const curve = [{ iteration: 0, seconds, ...(await judgeStudent(work.average, against)) }];
  while (!work.finished) {
    const before = cpuSeconds();
    work.step();
    seconds += cpuSeconds() - before;
    if (work.iteration % Math.ceil(settings.iterations / 8) === 0)
      curve.push({ iteration: work.iteration, seconds, ...(await judgeStudent(work.average, against)) });
  }
  work.dispose();
  rmSync(place, { recursive: true });
  const { fid, recall } = curve.at(-1);
  return { nodes: trajectory?.nodes.length ?? 0, recordingSeconds, seconds, fid, recall, curve };
}

const earlier = new URL("results/trajectory-images.json", import.meta.url);
const known = !smoke && existsSync(earlier) ? JSON.parse(readFileSync(earlier, "utf8")) : undefined;
const rows = JSON.stringify(known?.settings) === JSON.stringify(settings) ? known.rows : [];
const wanted = new RegExp(flags.only);
const has = (key) =>
  rows.some((row) => Object.entries(key).every(([name, value]) => row[name] === value)) ||
  !wanted.test(Object.values(key).join(" "));
const keep = (row) => {
  rows.push(row);
  console.log(JSON.stringify({ ...row, curve: undefined }));
  if (!smoke) save("trajectory-images", { machine: machine(), settings, rows });
};
for (const seed of flags.seeds.split(",").map(Number))
  for (const size of [8, 16, 32]) {
    let against;
    const open = async () => (against ??= await levels[size]());
    const teacherRow = { size, student: "the teacher itself", seed: 1 };
    if (!has(teacherRow)) {
      const { denoiser } = await open();
      const { conditions } = studentOf("untrained", against, 1);
      const random = new Generator(99);
      const draw = (count) =>
        heun(denoiser, randn([count, 1, size, size], { generator: random }), {
          steps: 12,
          condition: conditions.draw(count, random),
        });
      keep({ ...teacherRow, ...(await judge(draw, against)) });
    }
    for (const [range, [mean, deviation]] of Object.entries(ranges))
      for (const student of ["untrained", "small", "dcgan"]) {
        const noise = new LogNormal(mean, deviation);
        let reach;
        for (const method of methods) {
          const key = { size, range, student, method, seed };
          if (has(key)) continue;
          const { denoiser: teacher } = await open();
          reach ??= measureReach({
            teacher,
            student: studentOf(student, against, seed),
            levels: noise,
            seed,
          }).ratio;
          keep({
            ...key,
            reach,
            ...(await measure(studentOf(student, against, seed), { against, noise, method, seed })),
          });
        }
      }
  }
console.log(`${rows.length} rows`);
