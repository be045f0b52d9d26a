// Tiny decoders and encoders (TAESD's recipe) for a variational autoencoder of the GAN's faces, 64x64, trained here: with and
// without nodes. The errors are of pictures that nobody was trained on; peak signal-to-noise ratio in dB.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Generator, inferenceMode, randn } from "@disback/torch";
import { OutputFit, OutputMatching, SamplePool, StepsPerTarget, tinyAutoencoderFor } from "disback";
import { openDataset, writeNpz } from "disback/data";
import { loadAutoencoder, saveAutoencoder, trainAutoencoder } from "disback/models";
import { matchHalves } from "../../packages/disback/dist/distill/tiny-autoencoder.js";
import { bytesOf, cpuSeconds, run } from "./common.mjs";
import { facesOf, openFaces, smallJudge } from "./gan.mjs";

const CONFIG = {
  ...{ autoencoder: "kl", imageChannels: 3, latentChannels: 4, channels: [24, 48, 48], blocksPerLevel: 1 },
  ...{
    normalizationGroups: 8,
    attention: false,
    imageRange: "symmetric",
    quantConvolution: true,
    postQuantConvolution: true,
  },
};

export async function* measure({ seed, smoke, work, only, python, seconds }) {
  const { faces } = await openFaces({ python, work });
  const draw = (count, from) => facesOf(faces, randn([count, 100], { generator: new Generator(from) }));
  const samples = draw(smoke ? 32 : 2048, 11);
  const images = new SamplePool({ samples });
  const unseen = draw(smoke ? 16 : 300, 12);
  const folder = join(work, "autoencoder");
  let trainingSeconds = 0;
  if (!existsSync(folder)) {
    const began = cpuSeconds();
    const file = join(work, "faces.npz");
    await writeNpz(file, samples);
    const trained = await trainAutoencoder({
      ...{ config: CONFIG, dataset: await openDataset(file), execution: { seed: 1 } },
      ...{ iterations: smoke ? 3 : 150, batchSize: smoke ? 4 : 8 },
      ...{ learningRate: 2e-3, rampUp: 20, averageHalfLife: 400 },
    });
    saveAutoencoder(folder, trained);
    trainingSeconds = Math.round(cpuSeconds() - began);
  }
  const teacher = loadAutoencoder(folder);
  const judgeFaces = await smallJudge({ faces, count: smoke ? 16 : 300 });
  const latents = teacher.encode(unseen);
  const error = (a, b) => inferenceMode(() => a.sub(b).square().mean().item());
  const decibels = (pictures) => Number((10 * Math.log10(4 / error(pictures, unseen))).toFixed(2));
  const fid = async (pictures) => {
    let place = 0;
    return judgeFaces((count) => {
      const part = pictures.narrow(0, place, count);
      place += count;
      return part;
    });
  };
  const speed = (work) => {
    const rows = Math.min(32, unseen.shape[0]);
    work();
    const start = cpuSeconds();
    let made = 0;
    for (; cpuSeconds() - start < (smoke ? 0.1 : 2); made += rows) work();
    return Math.round(made / (cpuSeconds() - start));
  };
  // A decoder is judged with the teacher's latents, an encoder by what the teacher's decoder makes of its own.
  const figures = async ({ encoder = teacher, decoder = teacher }) => {
    const own = encoder.encode(unseen);
    const pictures = decoder.decode(own).clamp(-1, 1);
    const some = [unseen, latents].map((rows) => rows.narrow(0, 0, Math.min(32, rows.shape[0])));
    return {
      ...{ decibels: decibels(pictures), ...(await fid(pictures)) },
      toTeacher: Number(error(pictures, teacher.decode(latents)).toPrecision(3)),
      latentError: Number(error(own, latents).toPrecision(3)),
      ...{ encodesPerSecond: speed(() => encoder.encode(some[0])), encoderBytes: bytes(encoder, "encoder") },
      ...{ decodesPerSecond: speed(() => decoder.decode(some[1])), decoderBytes: bytes(decoder, "decoder") },
    };
  };
  if (!only)
    yield {
      part: "autoencoder",
      student: "teacher",
      method: "itself",
      seed: 1,
      trainingSeconds,
      ...(await figures({})),
    };
  for (const one of only ?? []) {
    // "half:method", or "half:method:steps"
    const [half, method, own] = one.split(":");
    const iterations = Number(own ?? (seconds ? 1e6 : 80));
    const tiny = tinyAutoencoderFor(teacher, { channels: 16, blocks: 1, seed });
    const shared = matchHalves({ teacher, student: tiny, half, images });
    const matching = method.includes("adversarial")
      ? { adversarialWeight: 0.01, discriminatorChannels: 16 }
      : {};
    const { result, curve, ...cost } = await run({
      ...{ ...shared, seed, work, seconds, every: iterations, judge: () => ({}), fit: new OutputFit() },
      method: method.startsWith("path") ? "path" : "plain",
      recording: { steps: smoke ? 3 : 40, batchSize: smoke ? 4 : 8, learningRate: 5e-4, probes: 16 },
      backtracking: {
        objective: new OutputMatching(matching),
        ...{ iterations: smoke ? 3 : iterations, batchSize: smoke ? 4 : 8 },
        ...{ studentLearningRate: 2e-3, auxiliaryLearningRate: 2e-4, betas: [0.5, 0.999], emaDecay: 0.95 },
        schedule: new StepsPerTarget(smoke ? 1 : 10),
      },
    });
    shared.student.module.loadStateDict(result.module.stateDict());
    tiny.eval();
    if (seed === 1) saveAutoencoder(join(work, "students", `${half}, ${method}`), tiny);
    yield {
      ...{ part: "autoencoder", student: half, method, seed, iterations: curve.at(-1).step },
      ...(await figures({ [half]: tiny })),
      ...cost,
    };
  }
}

const bytes = (autoencoder, half) =>
  bytesOf({
    parameters: () =>
      autoencoder.namedParameters().flatMap(([key, value]) => (belongs(key, half) ? [value] : [])),
  });
const belongs = (key, half) =>
  key.startsWith(half) || key.startsWith(half === "decoder" ? "post_quant_conv" : "quant_conv");
