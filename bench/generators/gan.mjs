// gan-face-generate's DCGAN (MIT), checked against PyTorch, and figures of faces beside it.
import { Generator, inferenceMode, ops, randn, scope } from "@disback/torch";
import { GeneratorStudent, openModel } from "disback";
import { computeStatistics, frechetDistance, loadShippedExtractor } from "disback/metrics";
import { efficientNet } from "./efficientnet.mjs";
import { fileOf } from "./packages.mjs";

const PACKAGE = {
  requirement: "gan-face-generate==1.1.1",
  file: "gan_face_generate/weights.tar",
  sha256: "0c3b90b138cfc4e8a73310b9fd5ce2a8f1f3a542a037de277412307fcd28771f",
};

/** Every 3001st number of PyTorch's pictures of seed 7's first four latents (make_generator_fixtures.py). */
const PYTORCH = [
  -0.530959, -0.3715536, -0.4058014, -0.105184, -0.7479424, -0.1302207, -0.5638024, -0.6458129, -0.6322634,
  -1.0, -0.8816448, -0.8947803, -0.9450477, -0.5809926, -0.5416174, -0.5250193, -0.7057437,
];

/** The generator as a student-like model, and how far it is from PyTorch's numbers. */
export async function openFaces(options) {
  const model = await openModel(fileOf(PACKAGE, options), { device: "cpu" });
  const faces = new GeneratorStudent(model.module, { facts: model.facts });
  const made = facesOf(faces, randn([4, 100], { generator: new Generator(7) }))
    .flatten()
    .toArray();
  const difference = Math.max(...PYTORCH.map((value, index) => Math.abs(value - made[3001 * index])));
  if (difference > 1e-5) throw new Error(`the GAN's pictures differ from PyTorch's by ${difference}`);
  return { faces, difference };
}

export const facesOf = ({ module }, latents) =>
  inferenceMode(() => scope(() => module.eval().generate(latents).clone()));

/** Pictures of 64x64 at half the size; those of 32x32 as they are. */
export const halved = (samples) => (samples.shape[2] === 64 ? ops.avg_pool2d(samples, [2, 2]) : samples);

/** The space of our own features: CIFAR-10's classifier, which sees pictures at 32x32. */
function ourFeatures() {
  const ours = loadShippedExtractor("cifar10-jpeg-32-classifier");
  return { ...described(ours), features: (samples) => ours.features(halved(samples)) };
}

/** Statistics of `total` pictures that `draw(count)` draws. */
function statistics(extractor, draw, total) {
  const size = 50;
  function* batches() {
    for (let done = 0; done < total; done += size) yield draw(Math.min(size, total - done));
  }
  return computeStatistics(extractor, batches());
}

const genuine = (faces) => {
  const random = new Generator(4321);
  return (many) => facesOf(faces, randn([many, 100], { generator: random }));
};

/** Judges pictures by their distance to as many of the GAN's own, in our features. */
export async function smallJudge({ faces, count }) {
  const ours = ourFeatures();
  const reference = await statistics(ours, genuine(faces), count);
  return async (draw) => ({ fid: round(frechetDistance(await statistics(ours, draw, count), reference)) });
}

/** As `smallJudge`, and when asked in EfficientNet's features too; with `half`, those see everybody's pictures at 32x32. */
export async function faceJudge({ faces, smoke, python, work, half = false }) {
  const count = smoke ? 64 : 500;
  const ours = await smallJudge({ faces, count });
  const { features, ...told } = await efficientNet({ python, work });
  const large = { ...told, features: (samples) => features(half ? halved(samples) : samples) };
  let reference;
  return async (draw, { final = false } = {}) => {
    const figures = await ours(draw);
    if (!final) return figures;
    reference ??= await statistics(large, genuine(faces), count);
    figures.fidEfficientNet = round(frechetDistance(await statistics(large, draw, count), reference));
    return figures;
  };
}

const described = ({ name, featureDim, contentHash }) => ({ name, featureDim, contentHash });
const round = (value) => Number(value.toPrecision(4));
