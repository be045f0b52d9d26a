#!/usr/bin/env node
// Trains a feature extractor for metrics and computes the reference statistics of its training set.
//
//   node scripts/train-extractor.mjs --data /usr/share/datasets/fashion-mnist --resolution 16 \
//     --epochs 5 --name fashion-mnist-16-classifier --dataset "Fashion-MNIST 16x16"
//   node scripts/train-extractor.mjs --data cifar10-jpg.tar.gz --resolution 32 --flips --epochs 7 \
//     --name cifar10-jpeg-32-classifier --dataset "CIFAR-10 (JPEG) 32x32"
//   node scripts/train-extractor.mjs --data "toy:moving-digits?count=20000&directions=1" --epochs 2 --batch-size 64 --learning-rate 2e-3 \
//     --name moving-digits-classifier --dataset "moving digits, 8 frames of 16x16"
//
// Writes <out>/extractors/<name>/ and <out>/references/<name>.safetensors; <out> is this package's assets folder
// unless --out is given. The data must have a "train" and a "test" part with labels.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openDataset } from "../dist/data/dataset.js";
import { loadClassifierExtractor, saveClassifier } from "../dist/metrics/classifier-extractor.js";
import { trainClassifier } from "../dist/metrics/classifier-training.js";
import { saveReference } from "../dist/metrics/reference.js";
import { computeReference } from "../dist/metrics/reference-statistics.js";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    name: { type: "string" },
    dataset: { type: "string" },
    resolution: { type: "string" },
    epochs: { type: "string", default: "6" },
    seed: { type: "string", default: "0" },
    "batch-size": { type: "string", default: "128" },
    "learning-rate": { type: "string", default: "4e-3" },
    flips: { type: "boolean", default: false },
    out: { type: "string", default: fileURLToPath(new URL("../assets", import.meta.url)) },
  },
});
for (const flag of ["data", "name", "dataset"]) {
  if (values[flag] === undefined) {
    console.error(`--${flag} is missing`);
    process.exit(2);
  }
}
const [epochs, seed] = [values.epochs, values.seed].map(Number);
const form = values.resolution === undefined ? {} : { resolution: Number(values.resolution) };

const train = await openDataset(values.data, { ...form, split: "train" });
const test = await openDataset(values.data, { ...form, split: "test" });
console.error(`${train.name}: ${train.length} training samples, ${test.length} test samples`);

const started = performance.now();
const seconds = () => ((performance.now() - started) / 1000).toFixed(0);
const { classifier, accuracy } = await trainClassifier({
  train,
  test,
  epochs,
  seed,
  batchSize: Number(values["batch-size"]),
  learningRate: Number(values["learning-rate"]),
  horizontalFlips: values.flips,
  onProgress: ({ iteration, iterations, loss }) => {
    if (iteration % 100 === 0)
      console.error(`${iteration}/${iterations}  loss ${loss.toFixed(3)}  ${seconds()} s`);
  },
});
console.log(
  `${values.name}: test accuracy ${(100 * accuracy).toFixed(2)} % after ${epochs} epochs, ${seconds()} s`,
);

const folder = join(values.out, "extractors", values.name);
saveClassifier(folder, classifier, {
  kind: "classifier-extractor",
  name: values.name,
  dataset: values.dataset,
  resolution: train.sampleShape.at(-1),
  channels: train.sampleShape[0],
  ...(train.sampleShape.length === 4 ? { frames: train.sampleShape[1] } : {}),
  classes: train.labelDim,
  features: 64,
  seed,
  epochs,
  accuracy,
  date: new Date().toISOString().slice(0, 10),
});

const extractor = loadClassifierExtractor(folder);
mkdirSync(join(values.out, "references"), { recursive: true });
const reference = await computeReference(train, extractor, await train.fingerprint());
saveReference(join(values.out, "references", `${values.name}.safetensors`), {
  ...reference,
  dataset: values.dataset,
});
console.log(`reference statistics of ${reference.statistics.count} samples, ${seconds()} s in all`);
