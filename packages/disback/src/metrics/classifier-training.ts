import {
  AdamW,
  cosine,
  Generator,
  inferenceMode,
  ops,
  rand,
  randint,
  scope,
  type Tensor,
  where,
} from "@disback/torch";
import { DataLoader } from "../data/data-loader.js";
import type { Dataset } from "../data/dataset.js";
import { DisbackError } from "../errors.js";
import { Classifier } from "./classifier.js";

/** Options of {@link trainClassifier}. */
export interface ClassifierTrainingOptions {
  /** Labelled training images, or clips. */
  train: Dataset;
  /** Labelled images for measuring accuracy. */
  test: Dataset;
  /** Width of the penultimate layer (default 64). */
  features?: number;
  /** Passes over the training set (default 6). */
  epochs?: number;
  /** Default 128. */
  batchSize?: number;
  /** Peak of the cosine schedule (default 4e-3). */
  learningRate?: number;
  /** Seed of weights, order and augmentation (default 0). */
  seed?: number;
  /** Mirror images at random: right for photographs, wrong where a side carries meaning (default false). */
  horizontalFlips?: boolean;
  onProgress?: (progress: { iteration: number; iterations: number; loss: number }) => void;
}

/**
 * Trains the classifier whose features the metrics use: cross entropy with AdamW and a cosine schedule; images shifted
 * by up to a sixteenth of their side and, if asked for, mirrored.
 * @returns the classifier in evaluation mode, and its accuracy on `test` from 0 to 1
 */
export async function trainClassifier(
  options: ClassifierTrainingOptions,
): Promise<{ classifier: Classifier; accuracy: number }> {
  const { train, test, features = 64, epochs = 6, batchSize = 128, learningRate = 4e-3, seed = 0 } = options;
  if (train.labelDim === 0)
    throw new DisbackError(`${train.name} has no labels: a classifier cannot be trained on it`);
  const generator = new Generator(seed);
  const [channels, resolution] = [train.sampleShape[0]!, train.sampleShape.at(-1)!];
  const frames = train.sampleShape.length === 4 ? train.sampleShape[1] : undefined;
  const shape = { channels, frames, resolution, classes: train.labelDim, features };
  const classifier = new Classifier(shape, { generator }).train();
  const parameters = classifier.parameters();
  const optimizer = new AdamW(parameters, { lr: learningRate, weightDecay: 0.01 });
  const loader = new DataLoader(train, { batchSize, seed, shuffle: true });
  const iterations = Math.floor(train.length / batchSize) * epochs;
  const factor = cosine(iterations);
  for (let iteration = 0; iteration < iterations; iteration++) {
    const { samples, labels } = await loader.next();
    optimizer.lr = learningRate * factor(iteration);
    const loss = scope(() => {
      const logits = classifier.forward(augmented(samples, generator, options.horizontalFlips ?? false));
      const crossEntropy = ops.cross_entropy_loss(logits, labels!);
      crossEntropy.backward();
      optimizer.step();
      optimizer.zeroGrad();
      return crossEntropy.item();
    });
    samples.dispose();
    labels!.dispose();
    options.onProgress?.({ iteration: iteration + 1, iterations, loss });
  }
  classifier.eval();
  return { classifier, accuracy: await classificationAccuracy(classifier, test) };
}

/** Fraction of a labelled dataset that is classified correctly. */
export async function classificationAccuracy(classifier: Classifier, dataset: Dataset): Promise<number> {
  const batchSize = 250;
  let correct = 0;
  for (let start = 0; start < dataset.length; start += batchSize) {
    const size = Math.min(batchSize, dataset.length - start);
    const { samples, labels } = await dataset.batch(
      Int32Array.from({ length: size }, (_, index) => start + index),
    );
    correct += inferenceMode(() =>
      scope(() => classifier.forward(samples).argmax(1).eq(labels!.argmax(1)).sum().item()),
    );
    samples.dispose();
    labels!.dispose();
  }
  return correct / dataset.length;
}

/** The batch moved by one random offset (black comes in), and each image mirrored with probability 1/2. */
function augmented(images: Tensor, generator: Generator, horizontalFlips: boolean): Tensor {
  const [height, width] = images.shape.slice(-2) as [number, number];
  const reach = Math.floor(height / 16);
  const [down, right] = randint(0, 2 * reach + 1, [2], { generator }).toArray() as [number, number];
  const black = -1;
  const padded = ops.constant_pad_nd(images, [reach, reach, reach, reach], black);
  const moved = padded.narrow(-2, Number(down), height).narrow(-1, Number(right), width);
  if (!horizontalFlips) return moved;
  const each = images.shape.map((size, dimension) => (dimension === 0 ? size : 1));
  return where(rand(each, { generator }).lt(0.5), moved.flip([-1]), moved);
}
