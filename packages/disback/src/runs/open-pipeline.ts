import { DisbackError, UsageError } from "../errors.js";
import { pipelineDenoiser } from "../import/pipeline/pipeline-denoiser.js";
import type { TextToImagePipeline } from "../import/pipeline/text-to-image-pipeline.js";
import { openTextToImage } from "../import/pipeline/text-to-image-source.js";
import { latentCodec } from "../models/autoencoder/latent-codec.js";
import type { Condition } from "../models/condition.js";
import { type DenoiserConfig, parseDenoiserConfig } from "../models/config.js";
import { configured, type OpenedModel, type OpeningOptions } from "./opened-model.js";
import { latentSides } from "./pipeline-size.js";
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
  const sides = latentSides(pipeline, source, choice);
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
      ...{ network: kind, ...rest, imageResolution: sides.at(-2), textLength, sigmaData: 1, ...noise },
      ...(inChannels === undefined ? {} : { imageChannels: inChannels }),
      ...(sides.length === 3 ? { frames: sides[0] } : {}),
      ...(sides.at(-1) === sides.at(-2) ? {} : { imageWidth: sides.at(-1) }),
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
