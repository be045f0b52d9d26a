import { type Device, type Generator, scope } from "@disback/torch";
import { CaptionTokens, requireCaptions } from "../../data/caption-tokens.js";
import { type Dataset, openDataset, TensorDataset } from "../../data/dataset.js";
import { requireFittingData } from "../../data/fitting.js";
import { isText } from "../../data/formats/text.js";
import { ImageFormError } from "../../data/images/resize.js";
import type { OpenOptions } from "../../data/options.js";
import { DisbackError } from "../../errors.js";
import { latentCodec } from "../../models/autoencoder/latent-codec.js";
import {
  createDenoiser,
  type DenoiserConfig,
  factsOf,
  parseDenoiserConfig,
  sampleShape,
} from "../../models/config.js";
import { asTheyAre, type SampleCodec } from "../../models/sample-codec.js";
import { chooseTeacher, chooseTextTeacher } from "../../teacher/choose.js";
import type { TeacherTrainingSettings } from "../../teacher/settings.js";
import type { DataFit, TeacherModule } from "../../teacher/training.js";
import { learnVocabulary } from "../../text/learn-vocabulary.js";
import { asLatents } from "../latent-data.js";
import { openAutoencoder } from "../open-autoencoder.js";
import { configured, type OpenedModel } from "../opened-model.js";
import type { TeacherSettings } from "../settings/teacher.js";
import { planAutoencoder } from "./autoencoder-plan.js";
import type { EvaluationSettings } from "./judging.js";
import { planPairs } from "./pair-plan.js";
import { planText } from "./text-plan.js";

/** Settings of a teacher, with everything chosen for its data. */
export type PlannedSettings = TeacherSettings & {
  training: TeacherTrainingSettings;
  conditional: boolean;
  evaluation: EvaluationSettings;
};

/** The inputs of a teacher's training. */
export interface TeacherPlan {
  settings: PlannedSettings;
  /** codec between the data and the model: an autoencoder if one is given */
  codec: SampleCodec;
  dataset: Dataset;
  /** Makes the model, with the data's classes and random weights. */
  make(generator: Generator): OpenedModel<TeacherModule>;
  /** how it is fitted to the data; default the denoising loss */
  fit?: DataFit<never>;
}

/** Default number of evaluations of a training, besides the one at its beginning. */
const EVALUATIONS = 6;

/** Default size for images that are not square, of several sizes or too large. */
const USUAL_SIDE = 32;

/** Who is told while a teacher is planned. */
export interface TeacherPlanning {
  /** called with one line about what was chosen, and about unused data */
  notice: (line: string) => void;
  /** called, and awaited, with the number of images decoded; may throw to stop */
  onDecoding: (done: number, total: number) => unknown;
}

/**
 * Opens the data, and chooses what the settings leave open: network, batch, iterations, and whether to use classes.
 * @throws DisbackError naming the setting or the data that do not fit
 */
export async function planTeacher(given: TeacherSettings, planning: TeacherPlanning): Promise<TeacherPlan> {
  if (isText(given.data)) return planText(given, planning.notice);
  if (given.language || given.model?.network === "text-transformer")
    throw new DisbackError(`--data ${given.data}: no text; give a .txt file or a folder of them`);
  if (given.vae) return planAutoencoder(given, given.vae, planning);
  if (given.autoencoder !== undefined) return planLatents(given, given.autoencoder, planning);
  const { model } = given;
  if (given.captions || model?.network === "text-unet") return planPrompts(given, model, planning);
  if (model?.network === "pair-unet")
    return planPairs(given, model, (shape) => openAt(given, shape, planning));
  const { notice } = planning;
  const shape = model && sampleShape(model);
  const dataset = await openAt(given, shape, planning);
  const conditional = given.conditional ?? dataset.labelDim > 0;
  if (conditional && dataset.labelDim === 0)
    throw new DisbackError(`"conditional": ${dataset.name} has no classes`);
  const chosen = model ? undefined : chooseTeacher(dataset, given.device);
  if (chosen) notice(chosen.why);
  const settings = complete(
    given,
    conditional,
    parseDenoiserConfig(model ?? chosen!.model),
    chosen?.training,
  );
  const facts = { sampleShape: sampleShape(settings.model), labelDim: dataset.labelDim };
  for (const line of requireFittingData(dataset, facts, '"model"')) notice(line);
  const config = withClasses(settings.model, dataset);
  return denoiserPlan(settings, { codec: asTheyAre(facts.sampleShape), dataset, config });
}

function denoiserPlan(
  settings: PlannedSettings,
  { codec, dataset, config }: Pick<TeacherPlan, "codec" | "dataset"> & { config: DenoiserConfig },
): TeacherPlan {
  const make = (generator: Generator) =>
    configured({ denoiser: createDenoiser(config, { generator }), config }, codec);
  return { settings, codec, dataset, make };
}

/** The same for pictures with captions: labels are the captions' tokens. */
async function planPrompts(
  given: TeacherSettings,
  model: DenoiserConfig | undefined,
  planning: TeacherPlanning,
): Promise<TeacherPlan> {
  if (given.conditional) throw new DisbackError('"conditional": with captions there are no classes');
  if (model && model.network !== "text-unet")
    throw new DisbackError(`"model.network": with captions it must be "text-unet", not "${model.network}"`);
  const pictures = await openAt({ ...given, conditional: false }, model && sampleShape(model), planning);
  const captions = requireCaptions(pictures);
  const chosen = model ? undefined : chooseTextTeacher(pictures, given.device);
  if (chosen) planning.notice(chosen.why);
  const config = withLanguage(parseDenoiserConfig(model ?? chosen!.model), captions, given.vocabularySize);
  const settings = complete(given, false, config, chosen?.training);
  const facts = factsOf(config);
  requireFittingData(pictures, { sampleShape: facts.sampleShape, labelDim: 0 }, '"model"');
  const dataset = new TensorDataset(new CaptionTokens(pictures, facts.text!));
  return denoiserPlan(settings, { codec: asTheyAre(facts.sampleShape), dataset, config });
}

/** Most prompts that a model keeps of its training's captions. */
const KEPT_PROMPTS = 2000;

/** The model reads the captions' language, and remembers captions as prompts, unless it is told both. */
function withLanguage(
  config: DenoiserConfig,
  captions: readonly string[],
  vocabularySize: number,
): DenoiserConfig {
  if (config.network !== "text-unet") return config;
  const { vocabulary, prompts } = config;
  const distinct = [...new Set(captions.filter((caption) => caption.trim() !== ""))];
  const every = Math.ceil(distinct.length / KEPT_PROMPTS);
  return {
    ...config,
    vocabulary: vocabulary.length > 0 ? vocabulary : learnVocabulary(captions, vocabularySize),
    prompts: prompts.length > 0 ? prompts : distinct.filter((_, index) => index % every === 0),
  };
}

/** Opens images at the size of the model or the settings, else at their own, else at a default. */
export async function openAt(
  { data, resolution, conditional, skipBroken }: TeacherSettings,
  shape: readonly number[] | undefined,
  { notice, onDecoding }: TeacherPlanning,
): Promise<Dataset> {
  const open = (side: number | undefined, more: OpenOptions = {}) =>
    openDataset(data, {
      ...(side === undefined ? {} : { resolution: side }),
      ...(shape?.length === 3 || shape?.length === 4 ? { channels: shape[0] as 1 | 3 } : {}),
      ...(shape?.length === 4 ? { frames: shape[1]! } : {}),
      labels: conditional ?? true,
      skipBroken,
      onWarning: notice,
      onProgress: onDecoding,
      ...more,
    });
  const side = resolution ?? (shape?.length === 3 || shape?.length === 4 ? shape.at(-1) : undefined);
  if (side !== undefined || data.startsWith("toy:")) return open(side);
  try {
    // This first look decodes few images and reports nothing.
    const [, own] = (await open(undefined, { cacheBytes: 0, onWarning: () => {} })).sampleShape;
    if (own === undefined || (own <= 64 && own % 4 === 0)) return await open(undefined);
    notice(
      `images of ${own} x ${own} are resized to ${USUAL_SIDE} x ${USUAL_SIDE}; choose with --resolution`,
    );
  } catch (error) {
    if (!(error instanceof ImageFormError)) throw error;
    notice(`images are cropped and brought to ${USUAL_SIDE} x ${USUAL_SIDE}; choose with --resolution`);
  }
  return open(USUAL_SIDE);
}

function complete(
  given: TeacherSettings,
  conditional: boolean,
  model: DenoiserConfig,
  chosen?: UsualTraining,
): PlannedSettings & { model: DenoiserConfig } {
  return { ...withUsual({ ...given, conditional }, chosen), model };
}

/** Iterations and batch where none are given. */
type UsualTraining = { iterations: number; batchSize: number };

/** Fills in what the settings of training and evaluation leave open. */
export function withUsual(
  given: TeacherSettings & { conditional: boolean },
  chosen: UsualTraining = { iterations: 10_000, batchSize: 64 },
): PlannedSettings {
  const { iterations = chosen.iterations, batchSize = chosen.batchSize } = given.training;
  const { every = Math.ceil(iterations / EVALUATIONS) } = given.evaluation;
  return {
    ...given,
    training: { ...given.training, iterations, batchSize },
    evaluation: { ...given.evaluation, every },
  };
}

/** The model takes the data's classes and their names. */
function withClasses(model: DenoiserConfig, { labelDim, classNames }: Dataset): DenoiserConfig {
  return { ...model, labelDim, ...(labelDim > 0 && classNames ? { classNames: [...classNames] } : {}) };
}

async function planLatents(
  given: TeacherSettings,
  autoencoder: string,
  { notice, onDecoding }: TeacherPlanning,
): Promise<TeacherPlan> {
  const { model, device, skipBroken } = given;
  if (!model) throw new DisbackError('"model" is required with an autoencoder: none is chosen for latents');
  if (given.training.flip)
    throw new DisbackError('"training.flip": the mirrored latent is not the latent of the mirrored image');
  const shape = sampleShape(model);
  const codec = latentCodec(
    await openAutoencoder(autoencoder, { device: device as Device }),
    shape,
    autoencoder,
  );
  const [channels, side] = codec.shownShape as [1 | 3, number];
  const conditional = given.conditional ?? false;
  const images = await openDataset(given.data, {
    ...{ resolution: given.resolution ?? side, channels, labels: conditional, skipBroken },
    ...{ onWarning: notice, onProgress: onDecoding },
  });
  if (conditional && images.labelDim === 0)
    throw new DisbackError(`"conditional": ${images.name} has no classes`);
  requireFittingData(images, { sampleShape: codec.shownShape, labelDim: images.labelDim }, "the autoencoder");
  const latents = asLatents(images, { codec, shape, name: autoencoder, device: device as Device });
  const dataset = new TensorDataset(latents);
  await adviseOnSpread(dataset, model.sigmaData, notice);
  return denoiserPlan(complete(given, conditional, model), {
    ...{ codec, dataset, config: withClasses(model, images) },
  });
}

/** Latents are scaled to about unit variance, images have a quarter of it. This is easy to forget. */
async function adviseOnSpread(
  dataset: Dataset,
  sigmaData: number,
  notice: (line: string) => void,
): Promise<void> {
  const count = Math.min(dataset.length, 64);
  const { samples, labels } = await dataset.batch(Array.from({ length: count }, (_, index) => index));
  const spread = scope(() => samples.std().item());
  samples.dispose();
  labels?.dispose();
  if (spread > 1.5 * sigmaData || spread < sigmaData / 1.5) {
    notice(
      `the latents' standard deviation is ${spread.toFixed(2)}, but "model.sigmaData" is ${sigmaData}: set it to the first`,
    );
  }
}
