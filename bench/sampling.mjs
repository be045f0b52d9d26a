// Samples per second: the student's single step beside the teacher's Heun with 18 steps, and the data loader beside the
// teacher's training step.
// node bench/sampling.mjs [--network fashion-mnist-16|ddpm++] [--batch 64] [--rounds 7] [--threads 1]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Adam, Generator, inferenceMode, randn, scope, setNumThreads } from "@disback/torch";
import { DenoiserStudent, denoisingLoss, LogNormal } from "disback";
import { DataLoader, openDataset, writePngFolder } from "disback/data";
import { heun, loadModel } from "disback/models";
import { networkNamed } from "./networks.mjs";
import { machine, positive, printTable, ratios, save, spread, timed, withQuartiles } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    network: { type: "string", default: "fashion-mnist-16" },
    batch: { type: "string", default: "64" },
    rounds: { type: "string", default: "7" },
    threads: { type: "string", default: "1" },
  },
});
const [batchSize, rounds, threads] = ["batch", "rounds", "threads"].map((name) => positive(flags, name));
const steps = 18;
// Batches that the loader gives in each round.
const loaded = 8;
const seed = 1;
setNumThreads(threads);

const temporary = mkdtempSync(join(tmpdir(), "sampling-"));
try {
  await compare(networkNamed(flags.network, temporary));
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

async function compare(folder) {
  const { denoiser } = loadModel(folder);
  const shape = denoiser.facts.sampleShape;
  const generator = new Generator(seed);
  const student = new DenoiserStudent(denoiser, { sigmaInit: 2.5 });
  const latents = randn([batchSize, ...shape], { generator });
  const condition = student.conditions.draw(batchSize, generator);
  const ways = {
    student: () => inferenceMode(() => student.generate(latents, condition)),
    teacher: () => heun(denoiser, latents, { steps, ...(condition ? { condition } : {}) }),
  };
  const once = (body) => timed(() => scope(() => void body()));
  // The student's turn is as long as the teacher's, in evaluations.
  const repeats = { student: 2 * steps - 1, teacher: 1 };
  const perImage = { student: [], teacher: [], training: [], loading: [], decoding: [] };
  for (const way of Object.values(ways)) once(way);

  // Files of noise, which do not compress; enough for every batch to be read for the first time.
  const images = join(temporary, "images");
  await writePngFolder(images, randn([batchSize * loaded * rounds, ...shape], { generator }).clamp(-1, 1));
  const opened = async (options) => new DataLoader(await openDataset(images, options), { batchSize, seed });
  // A set that fits into memory is decoded once; cacheBytes 0 stands for one that does not.
  const loaders = { loading: await opened(), decoding: await opened({ cacheBytes: 0 }) };
  const trained = loadModel(folder).denoiser.train();
  const optimizer = new Adam(trained.requiresGrad_(true).parameters(), { lr: 1e-5 });
  const train = () => {
    optimizer.zeroGrad();
    denoisingLoss(trained, latents, new LogNormal(), { random: generator, condition }).backward();
    optimizer.step();
  };
  once(train);
  for (let round = 0; round < rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const time = timed(() => {
        for (let repeat = 0; repeat < repeats[name]; repeat++) scope(() => void way());
      });
      perImage[name].push(perSample(time, repeats[name]));
    }
    perImage.training.push(perSample(once(train), 1));
    for (const [name, loader] of Object.entries(loaders))
      perImage[name].push(perSample(await load(loader, loaded), loaded));
  }

  const processor = (name) => perImage[name].map((time) => time.processor);
  const results = Object.fromEntries(
    Object.keys(perImage).map((name) => [name, spread(processor(name).map((seconds) => 1 / seconds))]),
  );
  const studentOverTeacher = ratios(processor("teacher"), processor("student"));
  const loadingOverTraining = ratios(processor("training"), processor("loading"));
  const decodingOverTraining = ratios(processor("training"), processor("decoding"));
  printTable([
    ["images per second of processor time", "median (quartiles)"],
    ["student, one step", withQuartiles(results.student, 1)],
    [`teacher, Heun, ${steps} steps`, withQuartiles(results.teacher, 1)],
    ["student / teacher", withQuartiles(studentOverTeacher)],
    ["training of the teacher", withQuartiles(results.training, 1)],
    ["data loader, PNG files decoded once", withQuartiles(results.loading, 0)],
    ["data loader, PNG files decoded each time", withQuartiles(results.decoding, 0)],
    ["decoded once / training", withQuartiles(loadingOverTraining, 0)],
    ["decoded each time / training", withQuartiles(decodingOverTraining, 1)],
  ]);
  save(`sampling-${flags.network}-${batchSize}`, {
    machine: machine(),
    settings: { network: flags.network, batchSize, rounds, threads, seed, steps, loaded },
    results,
    studentOverTeacher,
    loadingOverTraining,
    decodingOverTraining,
  });
}

function perSample({ wall, processor }, batches) {
  return { wall: wall / batches / batchSize, processor: processor / batches / batchSize };
}

/** Time of `batches` batches of the loader, reading ahead included. */
async function load(loader, batches) {
  const wall = process.hrtime.bigint();
  const before = process.cpuUsage();
  for (let batch = 0; batch < batches; batch++) {
    const drawn = await loader.next();
    for (const tensor of Object.values(drawn)) tensor?.dispose?.();
  }
  const { user, system } = process.cpuUsage(before);
  return { wall: Number(process.hrtime.bigint() - wall) / 1e9, processor: (user + system) / 1e6 };
}
