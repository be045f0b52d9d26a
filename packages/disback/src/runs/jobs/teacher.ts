import { type Device, Generator, scope, type Tensor } from "@disback/torch";
import { type Dataset, openDataset, TensorDataset } from "../../data/dataset.js";
import { EncodedSamples } from "../../data/encoded-samples.js";
import { DisbackError } from "../../errors.js";
import { readAutoencoder } from "../../import/read-autoencoder.js";
import { latentCodec } from "../../models/autoencoder/latent-codec.js";
import { computing } from "../../models/computation.js";
import { createDenoiser, type DenoiserConfig, sampleShape } from "../../models/config.js";
import { asTheyAre, type SampleCodec } from "../../models/sample-codec.js";
import { TeacherTraining } from "../../teacher/training.js";
import { BEST_BY, keepBestModel } from "../best-model.js";
import { computationOf } from "../computation.js";
import { configured } from "../open-model.js";
import { requireSameData } from "../run-data.js";
import { decodedDrawer, teacherDrawer } from "../sample-drawer.js";
import { type TeacherSettings, teacherSchema } from "../settings/teacher.js";
import { runStage } from "../stage-loop.js";
import type { BestSoFar } from "../stage-position.js";
import { FIGURE_NAMES, shortNumber } from "../wording.js";
import type { Job, JobContext, JobResult } from "./job.js";
import { drawingOptions, drawPicture, judgeDrawer, openTrainingJudge } from "./judging.js";
import { examination, executionOf, sessionOf } from "./session.js";

/** `teacher train`: a diffusion model from data. Leaves `teacher/` in the run folder. */
export const teacherJob: Job<typeof teacherSchema> = {
  command: "teacher train",
  schema: teacherSchema,
  perform: trainTeacher,
};

async function trainTeacher(settings: TeacherSettings, context: JobContext): Promise<JobResult> {
  const { run, progress, processes } = context;
  const device = settings.device as Device;
  const notice = (line: string) => progress.notice(line);
  const codec = await codecForTraining(settings, device);
  const { config, dataset } = await modelForData(settings, codec, notice);
  if (processes.leads) await requireSameData(run, settings.data, dataset, context.otherData);
  const fresh = createDenoiser(config, { generator: new Generator(settings.seed) }).to({ device });
  const denoiser = computing(fresh, computationOf(settings));
  const training = new TeacherTraining({
    ...settings.training,
    ...{ denoiser, dataset, execution: executionOf(settings, context) },
  });
  const { evaluation } = settings;
  const judge = await openTrainingJudge(settings, codec, context);
  const drawer = () =>
    decodedDrawer(
      teacherDrawer(training.average, {
        ...drawingOptions(evaluation, device),
        steps: evaluation.teacherSteps,
      }),
      codec,
    );

  const { facts } = denoiser;
  const model = configured({ denoiser, config }, codec);
  const save = (folder: string) => model.save(folder, training.average);
  const keepBest = (best: BestSoFar) => keepBestModel(run, "teacher-best", best, save);
  let last: Record<string, number | undefined> = {};
  await runStage(
    {
      name: "teacher",
      work: training,
      iterations: settings.training.iterations,
      imagesPerIteration: settings.training.batchSize,
      evaluateEvery: evaluation.every,
      evaluate: async (iteration) => {
        const path = run.samplePath("teacher", iteration);
        const drawn = await processes.first(() => drawPicture(path, drawer(), evaluation.grid));
        if (Number.isNaN(drawn.spread)) return drawn;
        last = judge ? await judgeDrawer(judge, drawer(), evaluation.samples, processes) : {};
        return { ...last, ...drawn };
      },
      sigmaData: config.sigmaData,
      examine: () => examination(training.networks, { facts, device }),
      ...(settings.checkpoints.keepBest ? { best: { figures: BEST_BY, keep: keepBest } } : {}),
    },
    { ...sessionOf(settings, context), iterationsBefore: 0, secondsBefore: 0 },
    context.checkpoint,
  );
  const folder = run.file("teacher");
  if (processes.leads) save(folder);
  return {
    figures: { ...last, ...(judge ? { measuredWith: judge.describe(evaluation.samples) } : {}) },
    table:
      Object.keys(last).length > 0
        ? [
            ["figure", "value"],
            ...Object.entries(last).map(([name, value]) => [FIGURE_NAMES[name] ?? name, shortNumber(value!)]),
          ]
        : [],
    places: [["teacher", folder]],
  };
}

/** What lies between the data and the model: an autoencoder if one is given. */
async function codecForTraining(settings: TeacherSettings, device: Device): Promise<SampleCodec> {
  const shape = sampleShape(settings.model as DenoiserConfig);
  const { autoencoder } = settings;
  if (autoencoder === undefined) return asTheyAre(shape);
  if (settings.training.flip) {
    throw new DisbackError('"training.flip": the mirrored latent is not the latent of the mirrored image');
  }
  return latentCodec(await readAutoencoder(autoencoder, { device }), shape, autoencoder);
}

/** Opens the data at the size the model's samples are shown in, and gives the model the data's classes. */
async function modelForData(settings: TeacherSettings, codec: SampleCodec, notice: (line: string) => void) {
  const model = settings.model as DenoiserConfig;
  const shape = codec.shownShape;
  const dataset = await openDataset(settings.data, {
    ...(shape.length === 3
      ? { resolution: settings.resolution ?? shape[1]!, channels: shape[0] as 1 | 3 }
      : {}),
    labels: settings.conditional,
    skipBroken: settings.skipBroken,
    onWarning: notice,
  });
  if (dataset.sampleShape.join() !== shape.join()) {
    throw new DisbackError(
      `"model": makes samples [${shape.join(", ")}], those of ${dataset.name} are [${dataset.sampleShape.join(", ")}]`,
    );
  }
  if (settings.conditional && dataset.labelDim === 0) {
    throw new DisbackError(`"conditional": ${dataset.name} has no classes`);
  }
  const { labelDim, classNames } = dataset;
  const config: DenoiserConfig = {
    ...model,
    labelDim,
    ...(labelDim > 0 && classNames ? { classNames: [...classNames] } : {}),
  };
  if (settings.autoencoder === undefined) return { dataset, config };
  const encoding = {
    name: settings.autoencoder,
    sampleShape: sampleShape(model),
    encode: (images: Tensor) => codec.encode(images.to({ device: settings.device as Device })),
  };
  const encoded = new TensorDataset(new EncodedSamples(dataset, encoding));
  await adviseOnSpread(encoded, settings, notice);
  return { dataset: encoded, config };
}

/** Latents are scaled to about unit variance, images have a quarter of it: an easy thing to forget. */
async function adviseOnSpread(
  dataset: Dataset,
  { model: { sigmaData } }: TeacherSettings,
  notice: (line: string) => void,
): Promise<void> {
  const count = Math.min(dataset.length, 64);
  const { samples, labels } = await dataset.batch(Array.from({ length: count }, (_, index) => index));
  const spread = scope(() => samples.std().item());
  samples.dispose();
  labels?.dispose();
  if (spread > 1.5 * sigmaData || spread < sigmaData / 1.5) {
    notice(
      `the latents' standard deviation is ${spread.toFixed(2)}, "model.sigmaData" is ${sigmaData}: better set it so`,
    );
  }
}
