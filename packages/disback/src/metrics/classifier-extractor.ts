import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Device,
  inferenceMode,
  readSafetensors,
  readSafetensorsHeader,
  scope,
  type Tensor,
  TorchError,
  writeSafetensors,
} from "@disback/torch";
import { z } from "zod";
import { DisbackError } from "../errors.js";
import { Classifier, firstKernel, inputChannels } from "./classifier.js";
import { eightBitImages } from "./eight-bit-images.js";
import type { FeatureExtractor } from "./feature-extractor.js";

const classifierConfigSchema = z.object({
  kind: z.literal("classifier-extractor"),
  name: z.string().min(1),
  /** Name of the training data. */
  dataset: z.string(),
  resolution: z.int().positive(),
  channels: z.union([z.literal(1), z.literal(3)]),
  /** Frames of a clip; absent for images. */
  frames: z.int().min(2).optional(),
  classes: z.int().min(2),
  features: z.int().positive(),
  seed: z.int(),
  epochs: z.int().positive(),
  /** Fraction of the test set classified correctly. */
  accuracy: z.number().min(0).max(1),
  /** Day of training, YYYY-MM-DD. */
  date: z.string(),
});

/** The content of an extractor's `config.json`. */
export type ClassifierConfig = z.infer<typeof classifierConfigSchema>;

/**
 * Features of the penultimate layer of our small classifier, for images of its training resolution; or for clips, whose
 * frames are channels to it.
 */
export class ClassifierExtractor implements FeatureExtractor {
  readonly name: string;
  readonly featureDim: number;
  readonly contentHash: string;
  readonly config: ClassifierConfig;
  private readonly classifier: Classifier;
  private readonly device: Device;

  constructor(classifier: Classifier, config: ClassifierConfig, contentHash: string, device: Device = "cpu") {
    this.classifier = classifier.eval().requiresGrad_(false).to({ device });
    this.config = config;
    this.name = config.name;
    this.featureDim = config.features;
    this.contentHash = contentHash;
    this.device = device;
  }

  /** Shape of what it judges: `[C, H, W]`, or `[C, T, H, W]` for clips. */
  get sampleShape(): number[] {
    const { channels, frames, resolution } = this.config;
    return [channels, ...(frames === undefined ? [] : [frames]), resolution, resolution];
  }

  /** @param images `[N, ...sampleShape]` in [-1, 1] */
  features(images: Tensor): Tensor {
    return inferenceMode(() => scope(() => this.classifier.features(this.prepared(images))));
  }

  /** @returns `[N, K]` */
  probabilities(images: Tensor): Tensor {
    return inferenceMode(() => scope(() => this.classifier.forward(this.prepared(images)).softmax(1)));
  }

  /** Releases the weights. */
  dispose(): void {
    this.classifier.dispose();
  }

  private prepared(images: Tensor): Tensor {
    const { sampleShape } = this;
    if (images.shape.slice(1).join() !== sampleShape.join()) {
      const what = sampleShape.length === 3 ? "images" : "clips";
      throw new DisbackError(
        `Extractor ${this.name} expects ${what} [N, ${sampleShape.join(", ")}], got [${images.shape.join(", ")}]`,
      );
    }
    return eightBitImages(images).to(this.device).div(127.5).sub(1);
  }
}

/** Writes `model.safetensors` and `config.json` into `folder`. */
export function saveClassifier(folder: string, classifier: Classifier, config: ClassifierConfig): void {
  mkdirSync(folder, { recursive: true });
  writeSafetensors(join(folder, "model.safetensors"), classifier.stateDict());
  writeFileSync(join(folder, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
}

/**
 * Opens an extractor's folder.
 * @throws DisbackError naming the file that is missing or invalid
 */
export function loadClassifierExtractor(folder: string, device: Device = "cpu"): ClassifierExtractor {
  const config = readConfig(join(folder, "config.json"));
  const weights = join(folder, "model.safetensors");
  requireSizes(config, weights);
  const classifier = new Classifier(config);
  scope(() => {
    try {
      classifier.loadStateDict(readSafetensors(weights).tensors);
    } catch (error) {
      if (!(error instanceof TorchError)) throw error;
      throw new DisbackError(`${weights}: ${error.message}`);
    }
  });
  const contentHash = createHash("sha256")
    .update("classifier-extractor 1\n")
    .update(readFileSync(weights))
    .digest("hex");
  return new ClassifierExtractor(classifier, config, contentHash, device);
}

/** The size of the network comes from the weights, not from the configuration. */
function requireSizes(config: ClassifierConfig, weights: string): void {
  const kernel = firstKernel(config.resolution);
  const expected: Record<string, number[]> = {
    "convolutions.0.weight": [32, inputChannels(config), kernel, kernel],
    "head.weight": [config.classes, config.features],
  };
  const { entries } = readSafetensorsHeader(weights);
  for (const [name, shape] of Object.entries(expected)) {
    const found = entries.find((entry) => entry.name === name)?.shape;
    if (found?.join() === shape.join()) continue;
    throw new DisbackError(
      `${weights}: ${name} is ${found ? `[${found.join(", ")}]` : "missing"}, its configuration says [${shape.join(", ")}]`,
    );
  }
}

function readConfig(file: string): ClassifierConfig {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new DisbackError(`Cannot read the extractor's configuration ${file}: ${(error as Error).message}`);
  }
  const result = classifierConfigSchema.safeParse(parsed);
  if (!result.success) {
    const issue = result.error.issues[0]!;
    throw new DisbackError(`${file}: ${issue.path.join(".") || "configuration"}: ${issue.message}`);
  }
  return result.data;
}
