import { ModuleList as List, type ModuleList, ops, type Tensor } from "@disback/torch";
import { Dense } from "../dense.js";
import type { ModelFacts } from "../facts.js";
import { torchStart } from "../unet-2d/start.js";
import type { WeightSource } from "../weights.js";
import { inputSizeOf, LatentGenerator } from "./latent-generator.js";

/** Sizes of the generator for points. */
export interface MlpGeneratorOptions {
  facts: ModelFacts;
  latentSize: number;
  /** width of every hidden layer */
  hiddenChannels: number;
  /** number of hidden layers */
  layers: number;
}

/** Linear layers with ReLU between them, for points: ScoreGAN's generator of Gaussians has 4 hidden ones of 512. */
export class MlpGenerator extends LatentGenerator {
  readonly layers: ModuleList<Dense>;

  constructor(source: WeightSource, { facts, latentSize, hiddenChannels, layers }: MlpGeneratorOptions) {
    super(facts, latentSize);
    const hidden = Array<number>(layers).fill(hiddenChannels);
    const sizes = [inputSizeOf(facts, latentSize), ...hidden, facts.sampleShape[0]!];
    this.layers = new List(
      sizes.slice(1).map((size, index) => new Dense(source, sizes[index]!, size, torchStart)),
    );
  }

  protected forward(vector: Tensor): Tensor {
    const layers = [...this.layers];
    return layers.reduce(
      (hidden, layer, index) => (index === 0 ? layer.forward(hidden) : layer.forward(ops.relu(hidden))),
      vector,
    );
  }
}
