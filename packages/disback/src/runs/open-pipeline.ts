import { DisbackError, UsageError } from "../errors.js";
import { pipelineDenoiser } from "../import/pipeline/pipeline-denoiser.js";
import type { TextToImagePipeline } from "../import/pipeline/text-to-image-pipeline.js";
import { openTextToImage, type PipelineChoice } from "../import/pipeline/text-to-image-source.js";
import type { Autoencoder } from "../models/autoencoder/autoencoder.js";
import { frameReduction, reduction } from "../models/autoencoder/autoencoder-config.js";
import { latentCodec } from "../models/autoencoder/latent-codec.js";
import type { Condition } from "../models/condition.js";
import { type DenoiserConfig, parseDenoiserConfig } from "../models/config.js";
import { configured, type OpenedModel, type OpeningOptions } from "./opened-model.js";
import { encodedPrompts, writeTextEncoder } from "./text-encoder.js";

/**
 * Opens Stable Diffusion 1, 2, XL or 3, Flux or Wan as a denoiser of latents that is told prompts. They are encoded first,
 * into a cache; then the text encoders leave memory.
 * @throws UsageError without prompts @throws DisbackError naming the part that is missing or not known here
 */
export async function openPipeline(source: string, options: OpeningOptions): Promise<OpenedModel> {
  const { device, prompts, alsoEncode = [], pipeline: choice = {}, weightsOnly = false } = options;
  if (!prompts && !weightsOnly)
    throw new UsageError(`${source}: this model is told a text: give --prompts (a file), or --prompt`);
  const pipeline = await openTextToImage(source, choice);
  const { network, autoencoder } = pipeline;
  const sides = sidesOf(pipeline, source, choice);
  network.module.to({ dtype: "float32", device });
  const codec = latentCodec(autoencoder, [network.sampleShape[0], ...sides], source);
  const { vectorShapes } = network.module;
  const encoder = { pipeline: source, choice, prompts: prompts ?? [] };
  const told = {
    ...{ sizes: "sizes" in vectorShapes, guidance: "guidance" in vectorShapes },
    ...{ side: codec.shownShape.at(-1)!, device, alsoEncode, open: pipeline.openPrompts },
  };
  if (choice.embeddedGuidance !== undefined && !told.guidance)
    throw new UsageError(
      `--embedded-guidance: ${source} is not told a scale of guidance, only some Flux are`,
    );
  const rows = weightsOnly ? undefined : await encodedPrompts(encoder, told);
  if (rows) requireFitting(rows.rows([null]), pipeline, source);
  const textLength = rows ? rows.rows([null]).text!.shape[1]! : usualLength[network.kind];
  const config = configOf(pipeline, sides, textLength, source);
  const denoiser = pipelineDenoiser(pipeline, { size: sides, textLength });
  denoiser.to({ device }).eval();
  const model = configured({ denoiser, config }, codec);
  return rows ? toldBy(model, encoder, rows) : { ...model, encoder };
}

/** @throws DisbackError naming what the network is told in another size than the encoders give */
function requireFitting(
  given: Condition,
  { network: { module } }: TextToImagePipeline,
  source: string,
): void {
  const expected = { text: [module.textChannels], ...module.vectorShapes };
  for (const [name, shape] of Object.entries(expected)) {
    const size = given[name]?.shape.slice(name === "text" ? 2 : 1);
    if (size?.join() !== shape.join())
      throw new DisbackError(
        `${source}: its text encoders give "${name}" of ${size?.join() ?? "no"} numbers, its network takes ${shape.join()}`,
      );
  }
}

/** Tokens of a prompt in the published models. */
const usualLength = { "unet-2d-condition": 77, sd3: 77 + 256, flux: 512, wan: 512 } as const;

/** Height and width of Flux's latents as it was trained, which its configuration does not say. */
const usualSide = 128;

/** Height and width of the latents, after their frames for clips. @throws as `sideOf`, or naming the frames */
function sidesOf(pipeline: TextToImagePipeline, source: string, choice: PipelineChoice): number[] {
  const { config } = pipeline.autoencoder;
  const { frames, resolution } = choice;
  const ofClips = pipeline.network.kind === "wan";
  if (frames !== undefined && !ofClips) throw new UsageError(`--frames: ${source} draws pictures, not clips`);
  if (!ofClips) {
    const side = sideOf(pipeline, pipeline.autoencoder, source, resolution);
    return [side, side];
  }
  if (config.autoencoder !== "wan")
    throw new DisbackError(`${source}: its autoencoder is for pictures, its network for clips`);
  if (frames === undefined || resolution === undefined)
    throw new UsageError(
      `${source}: its configuration does not say how large its clips are: give --resolution and --frames`,
    );
  const factor = frameReduction(config);
  if ((frames - 1) % factor !== 0)
    throw new UsageError(
      `--frames ${frames}: must be 1 more than a multiple of ${factor}, as ${source}'s autoencoder takes them`,
    );
  const side = sideOf(pipeline, pipeline.autoencoder, source, resolution);
  return [(frames - 1) / factor + 1, side, side];
}

/** Height and width of the latents. @throws DisbackError if they are no squares, or naming the size that does not fit */
function sideOf(
  { network }: TextToImagePipeline,
  autoencoder: Autoencoder,
  source: string,
  resolution?: number,
): number {
  const factor = reduction(autoencoder.config);
  if (resolution !== undefined) {
    if (resolution % factor === 0) return resolution / factor;
    throw new UsageError(
      `--resolution ${resolution}: must be a multiple of ${factor}, as ${source}'s autoencoder makes it smaller by that`,
    );
  }
  const [height, width] = network.sampleShape.slice(-2) as (number | null)[];
  if (height === null || height === undefined) return usualSide;
  if (height === width) return height;
  throw new DisbackError(
    `${source}: its latents must be squares, not ${height} x ${width}: give --resolution`,
  );
}

/** @throws DisbackError naming the field that does not fit, such as a size */
function configOf(
  { network: { kind, module }, schedule }: TextToImagePipeline,
  sides: readonly number[],
  textLength: number,
  source: string,
): DenoiserConfig {
  const { outChannels: _, ...options } = module.options;
  const { inChannels, ...rest } = "inChannels" in options ? options : { ...options, inChannels: undefined };
  const noise =
    schedule.preconditioning === "discrete" ? schedule : { preconditioning: schedule.preconditioning };
  return parseDenoiserConfig(
    {
      ...{ network: kind, ...rest, imageResolution: sides.at(-1), textLength, sigmaData: 1, ...noise },
      ...(inChannels === undefined ? {} : { imageChannels: inChannels }),
      ...(sides.length === 3 ? { frames: sides[0] } : {}),
    },
    source,
  );
}

/** A model with what encodes its prompts, saved with it. */
export function toldBy(
  model: OpenedModel,
  encoder: NonNullable<OpenedModel["encoder"]>,
  prompts: NonNullable<OpenedModel["prompts"]>,
): OpenedModel {
  return {
    ...{ ...model, prompts, encoder },
    save(folder, module) {
      model.save(folder, module);
      writeTextEncoder(folder, encoder);
    },
  };
}
