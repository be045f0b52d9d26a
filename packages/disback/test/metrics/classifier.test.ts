import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, ops, randn, zeros } from "@disback/torch";
import { afterAll, describe, expect, it } from "vitest";
import { type Dataset, TensorDataset } from "../../src/data/dataset.js";
import { Classifier } from "../../src/metrics/classifier.js";
import {
  type ClassifierConfig,
  loadClassifierExtractor,
  saveClassifier,
} from "../../src/metrics/classifier-extractor.js";
import { trainClassifier } from "../../src/metrics/classifier-training.js";

const folder = mkdtempSync(join(tmpdir(), "disback-"));
afterAll(() => rmSync(folder, { recursive: true }));

const config: ClassifierConfig = {
  kind: "classifier-extractor",
  name: "bright-or-dark",
  dataset: "bright or dark",
  resolution: 8,
  channels: 1,
  classes: 2,
  features: 16,
  seed: 0,
  epochs: 1,
  accuracy: 0.5,
  date: "2025-01-01",
};

/** Noise images, class 0 darker than class 1. */
function brightOrDark(length: number, seed: number): Dataset {
  const noise = randn([length, 64], { generator: new Generator(seed) }).toArray() as number[][];
  return new TensorDataset({
    name: "bright or dark",
    sampleShape: [1, 8, 8],
    length,
    labelDim: 2,
    fingerprint: async () => `${length} ${seed}`,
    read: async (indices) => {
      const rows = Array.from(indices, (index) =>
        noise[index]!.map((value) => 0.3 * value + (index % 2) - 0.5),
      );
      const labels = Array.from(indices, (index) => (index % 2 ? [0, 1] : [1, 0]));
      return { samples: Float32Array.from(rows.flat()), labels: Float32Array.from(labels.flat()) };
    },
  });
}

describe("ClassifierExtractor", () => {
  it("comes back from its folder with the same features and a hash of its weights", () => {
    const classifier = new Classifier(config, { generator: new Generator(1) });
    saveClassifier(join(folder, "saved"), classifier, config);
    const extractor = loadClassifierExtractor(join(folder, "saved"));
    const images = randn([3, 1, 8, 8]).mul(0.2);
    const levels = images.mul(127.5).add(127.5).round().sub(127.5).div(127.5);
    expect(ops.allclose(extractor.features(images), classifier.features(levels), 1e-4, 1e-5)).toBe(true);
    expect(extractor.probabilities(images).sum(1).toArray()).toEqual(
      [1, 1, 1].map((one) => expect.closeTo(one, 5)),
    );
    saveClassifier(join(folder, "other"), new Classifier(config, { generator: new Generator(2) }), config);
    expect(loadClassifierExtractor(join(folder, "other")).contentHash).not.toBe(extractor.contentHash);
  });

  it("names what it cannot read or judge", () => {
    const path = join(folder, "wrong");
    saveClassifier(path, new Classifier(config), config);
    expect(() => loadClassifierExtractor(path).features(zeros([1, 1, 16, 16]))).toThrow(
      "expects images [N, 1, 8, 8], got [1, 1, 16, 16]",
    );
    const text = readFileSync(join(path, "config.json"), "utf8");
    writeFileSync(join(path, "config.json"), text.replace('"resolution": 8', '"resolution": "8"'));
    expect(() => loadClassifierExtractor(path)).toThrow(/config.json: resolution/);
    expect(() => loadClassifierExtractor(join(folder, "nowhere"))).toThrow(/nowhere\/config.json/);
  });
});

describe("trainClassifier", () => {
  it("learns, and gives the same weights again for a seed", async () => {
    const train = brightOrDark(256, 1);
    const test = brightOrDark(100, 2);
    const options = { train, test, features: 16, epochs: 2, batchSize: 32, horizontalFlips: true, seed: 5 };
    const losses: number[] = [];
    const first = await trainClassifier({ ...options, onProgress: ({ loss }) => losses.push(loss) });
    expect(losses.length).toBe(16);
    expect(first.accuracy).toBeGreaterThan(0.95);
    const second = await trainClassifier(options);
    expect(second.classifier.head.weight.toArray()).toEqual(first.classifier.head.weight.toArray());
  });

  it("refuses data without labels", async () => {
    const bare = Object.assign(brightOrDark(10, 1), { labelDim: 0 });
    await expect(trainClassifier({ train: bare, test: bare })).rejects.toThrow(/no labels/);
  });
});
