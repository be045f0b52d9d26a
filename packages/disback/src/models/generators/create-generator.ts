import { defaultGenerator, type Generator, ops, randint, randn } from "@disback/torch";
import { classesOf } from "../condition.js";
import { randomWeights, type WeightSource } from "../weights.js";
import { Dcgan } from "./dcgan.js";
import { FastGan } from "./fastgan.js";
import {
  type GeneratorConfig,
  type GeneratorConfigInput,
  generatorFacts,
  parseGeneratorConfig,
} from "./generator-config.js";
import { type LatentGenerator, measureStatistics } from "./latent-generator.js";
import { MlpGenerator } from "./mlp-generator.js";

/** Latents from which the first statistics of batch normalizations are measured. */
const FIRST_BATCH = 128;

/**
 * A fresh generator with random weights, in training mode; the same generator state gives the same weights.
 * @param options.generator draws the weights, on the CPU (default: the default generator)
 * @throws DisbackError naming the field of the configuration that is wrong
 */
export function createGenerator(
  config: GeneratorConfigInput,
  options: { generator?: Generator } = {},
): LatentGenerator {
  const { generator = defaultGenerator() } = options;
  const made = buildGenerator(parseGeneratorConfig(config), randomWeights(generator));
  const classes = classesOf(made.facts);
  measureStatistics(made, () => {
    const latents = randn([FIRST_BATCH, ...made.latentShape], { generator });
    const labels = classes > 0 ? randint(0, classes, [FIRST_BATCH], { generator }) : undefined;
    made.generate(latents, labels && { class: ops.one_hot(labels, classes).float() });
  });
  return made;
}

/** A generator whose weights come from `source`. */
export function buildGenerator(config: GeneratorConfig, source: WeightSource): LatentGenerator {
  const facts = generatorFacts(config);
  switch (config.network) {
    case "dcgan":
      return new Dcgan(source, { ...config, facts });
    case "fastgan":
      return new FastGan(source, { ...config, facts });
    case "mlp-generator":
      return new MlpGenerator(source, { ...config, facts });
  }
}
