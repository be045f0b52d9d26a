import { DisbackError } from "../../errors.js";
import { buildGenerator } from "../../models/generators/create-generator.js";
import { type GeneratorConfig, parseGeneratorConfig } from "../../models/generators/generator-config.js";
import type { LatentGenerator } from "../../models/generators/latent-generator.js";
import { weightsWithin } from "../../models/sensible-sizes.js";
import { type StoredWeight, storedNumbers } from "../checkpoint/assembled-tensor.js";
import { openCheckpoint } from "../checkpoint/open-checkpoint.js";
import { findWeights, withoutPrefix } from "../find-weights.js";
import { loadStoredWeights } from "../load-weights.js";

/** The first layer's key in PyTorch's tutorial of DCGAN, and in what was made after it. */
const FIRST = "main.0.weight";

/**
 * Reads a DCGAN's generator from a PyTorch checkpoint: a network as in PyTorch's tutorial, of any width, latent size and
 * number of layers. Nothing in the file is run.
 * @returns the generator in evaluation mode
 * @throws DisbackError naming the file and what is wrong with it
 */
export async function readGan(
  path: string,
): Promise<{ generator: LatentGenerator; config: GeneratorConfig }> {
  const checkpoint = await openCheckpoint(path);
  try {
    const { key, tensors } = findWeights(checkpoint);
    const place = key === "" ? path : `${path}: "${key}"`;
    const fail = (problem: string): never => {
      throw new DisbackError(`${place}: ${problem}`);
    };
    const weights =
      withoutPrefix(tensors, FIRST) ??
      fail(`no generator of a DCGAN (there is no ${FIRST}); for denoisers: disback teacher import`);
    const config = describe(weights, place, fail);
    const generator = buildGenerator(config, weightsWithin(storedNumbers(weights), fail));
    await loadStoredWeights(generator, weights, fail);
    return { generator: generator.eval(), config };
  } finally {
    checkpoint.close();
  }
}

/** The sizes, by the shapes of the transposed convolutions `[in, out, 4, 4]`. */
function describe(
  weights: ReadonlyMap<string, StoredWeight>,
  place: string,
  fail: (problem: string) => never,
): GeneratorConfig {
  const shapes = [...weights].filter(([, { shape }]) => shape.length === 4).map(([, { shape }]) => shape);
  const other = shapes.find(([, , height, width]) => height !== 4 || width !== 4);
  if (other) fail(`a kernel of ${other[2]}x${other[3]}; only the layers of PyTorch's DCGAN, 4x4, are read`);
  if (shapes.length < 2) fail("a single layer is no DCGAN");
  const [latentSize] = shapes[0]!;
  const last = shapes.at(-1)!;
  const config = {
    ...{ network: "dcgan", latentSize, modelChannels: last[0], imageChannels: last[1] },
    imageResolution: 2 ** (shapes.length + 1),
  };
  return parseGeneratorConfig(config, place);
}
