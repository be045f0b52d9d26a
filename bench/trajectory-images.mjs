// Where a trajectory pays on images: noise range x student x resolution of the same data (Fashion-MNIST), for plain, the
// auxiliary model's start alone and the whole path: FID and recall. The teachers of 16x16 and 32x32 are the shipped ones; that
// of 8x8 is trained here, so that its checkpoints can be a trajectory too. 8x8 is judged by the classifier of 16x16, pixels doubled.
//   node bench/trajectory-images.mjs --data t10k-images-idx3-ubyte.gz [--seeds 1] [--only REGEX] [--smoke] [--work FOLDER]
// Rows that bench/results/trajectory-images.json has already (same settings) are not measured again, so it can be stopped.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Generator, randn, setNumThreads, Upsample } from "@disback/torch";
import {
  Backtracking,
  checkpointTrajectory,
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
import {
  createDenoiser,
  createGenerator,
  heun,
  loadConfig,
  loadModel,
  saveModel,
  TeacherTraining,
} from "disback/models";
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
  iterations: smoke ? 4 : 100,
  batchSize: 16,
  studentLearningRate: 3e-4,
  auxiliaryLearningRate: 6e-4,
  recording: { steps: smoke ? 8 : 60, batchSize: 16, learningRate: 1e-3 },
  judged: smoke ? 40 : 500,
};
const ranges = { "N(-1.2, 1.2)": [-1.2, 1.2], "N(-2.6, 1.2)": [-2.6, 1.2], "N(-3, 0.6)": [-3, 0.6] };
/** What is measured first. */
const passes = [
  { students: ["untrained", "dcgan"], methods: ["plain", "whole"] },
  { students: ["untrained"], methods: ["checkpoints"] },
  { students: ["untrained", "dcgan"], methods: ["start"] },
  { students: ["small"], methods: ["plain", "start", "whole"] },
];
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

/** A teacher of the architecture of 16x16, and its checkpoints. */
async function smallTeacher(dataset) {
  const folder = join(flags.work, smoke ? "teacher-8-smoke" : "teacher-8");
  const config = { ...loadConfig(join(assets, "fashion-mnist-16")), imageResolution: 8 };
  const iterations = smoke ? 8 : 500;
  const kept = [20, 50, 100, 200, 400].map((step) => (smoke ? step / 100 : step)).map(Math.ceil);
  if (!existsSync(join(folder, `${iterations}`))) {
    const training = new TeacherTraining({
      ...{ dataset, execution: { seed: 1 }, iterations, batchSize: 64, learningRate: 3e-3 },
      ...{ denoiser: createDenoiser(config, { generator: new Generator(1) }), averageHalfLife: 5000 },
    });
    for (let step = 1; step <= iterations; step++) {
      await training.step();
      if (kept.includes(step) || step === iterations)
        saveModel(join(folder, `${step}`), training.average, config);
    }
  }
  return {
    ...loadModel(join(folder, `${iterations}`)),
    checkpoints: kept.map((step) => ({
      name: `${step}`,
      loadInto: (model) => model.loadStateDict(loadModel(join(folder, `${step}`)).denoiser.stateDict()),
    })),
  };
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
  const reach = measureReach({ teacher, student, levels: noise, seed }).ratio;
  const place = mkdtempSync(join(tmpdir(), "disback-images-"));
  const execution = { seed };
  const began = cpuSeconds();
  const path = { teacher, student, folder: join(place, "path"), fit: new DenoisingFit(noise) };
  const trajectories = {
    plain: () => undefined,
    checkpoints: () => checkpointTrajectory({ ...path, checkpoints: against.checkpoints, seed }),
  };
  const recorded = () => record({ ...path, execution, ...settings.recording });
  const trajectory = (trajectories[method] ?? recorded)();
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
    if (work.iteration % Math.ceil(settings.iterations / 2) === 0)
      curve.push({ iteration: work.iteration, seconds, ...(await judgeStudent(work.average, against)) });
  }
  work.dispose();
  rmSync(place, { recursive: true });
  const { fid, recall } = curve.at(-1);
  return { reach, nodes: trajectory?.nodes.length ?? 0, recordingSeconds, seconds, fid, recall, curve };
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
const opened = {};
const open = async (size) => (opened[size] ??= await levels[size]());
for (const size of [8, 16, 32]) {
  const key = { size, student: "the teacher itself", seed: 1 };
  if (has(key)) continue;
  const against = await open(size);
  const { conditions } = studentOf("untrained", against, 1);
  const random = new Generator(99);
  const draw = (count) =>
    heun(against.denoiser, randn([count, 1, size, size], { generator: random }), {
      steps: 12,
      condition: conditions.draw(count, random),
    });
  keep({ ...key, ...(await judge(draw, against)) });
}
for (const { students, methods } of passes)
  for (const seed of flags.seeds.split(",").map(Number))
    for (const size of [8, 16, 32])
      for (const [range, [mean, deviation]] of Object.entries(ranges))
        for (const student of students)
          for (const method of methods) {
            const key = { size, range, student, method, seed };
            if (has(key) || (method === "checkpoints" && size !== 8)) continue;
            const against = await open(size);
            const noise = new LogNormal(mean, deviation);
            const made = studentOf(student, against, seed);
            keep({ ...key, ...(await measure(made, { against, noise, method, seed })) });
          }
console.log(`${rows.length} rows`);
