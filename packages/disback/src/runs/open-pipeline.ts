import { DisbackError, UsageError } from "../errors.js";
import { pipelineDenoiser } from "../import/pipeline/pipeline-denoiser.js";
import { openTextToImagePipeline } from "../import/pipeline/text-to-image-pipeline.js";
import { latentCodec } from "../models/autoencoder/latent-codec.js";
import { TinyAutoencoder } from "../models/autoencoder-tiny/autoencoder-tiny.js";
import { parseDenoiserConfig } from "../models/config.js";
import { configured, type OpenedModel, type OpeningOptions } from "./opened-model.js";
import { encodedPrompts, writeTextEncoder } from "./text-encoder.js";

/**
 * Opens Stable Diffusion 1, 2 or XL as a denoiser of latents that is told prompts. They are encoded first, into a cache;
 * then the text encoders leave memory.
 * @throws UsageError without prompts @throws DisbackError naming the part that is missing or not known here
 */
export async function openPipeline(
  source: string,
  { device, prompts, alsoEncode = [] }: OpeningOptions,
): Promise<OpenedModel> {
  if (!prompts)
    throw new UsageError(`${source}: this model is told a text: give --prompts (a file), or --prompt`);
  const pipeline = await openTextToImagePipeline(source);
  const { network, schedule, autoencoder, className } = pipeline;
  if (network.kind !== "unet-2d-condition" || schedule.preconditioning !== "discrete")
    throw new DisbackError(
      `${source}: ${className} can be used in the library, but not here yet: Stable Diffusion 1, 2 and XL can`,
    );
  if (autoencoder instanceof TinyAutoencoder)
    throw new DisbackError(
      `${source}: its AutoencoderTiny cannot be saved with a student yet: use the pipeline's AutoencoderKL`,
    );
  const [imageChannels, side, width] = network.sampleShape;
  if (side === null || side !== width)
    throw new DisbackError(`${source}: its latents must be squares of a known size`);
  network.module.to({ dtype: "float32", device });
  const codec = latentCodec(autoencoder, [imageChannels, side, side], source);
  const encoder = { pipeline: source, prompts };
  const rows = await encodedPrompts(encoder, {
    alsoEncode,
    ...{ sizes: network.module.vectorShapes.sizes !== undefined, side: codec.shownShape[1]!, device },
  });
  const textLength = rows.rows([null]).text!.shape[1]!;
  const { inChannels: _, outChannels: __, ...options } = network.module.options;
  const config = parseDenoiserConfig({
    ...{ network: "unet-2d-condition", ...options, imageChannels, imageResolution: side, textLength },
    ...{ sigmaData: 1, ...schedule },
  });
  const denoiser = pipelineDenoiser(pipeline, { textLength });
  denoiser.to({ device }).eval();
  return toldBy(configured({ denoiser, config }, codec), encoder, rows);
}

/** A model with what encodes its prompts, saved with it. */
export function toldBy(
  model: OpenedModel,
  encoder: Parameters<typeof writeTextEncoder>[1],
  prompts: NonNullable<OpenedModel["prompts"]>,
): OpenedModel {
  return {
    ...model,
    prompts,
    save(folder, module) {
      model.save(folder, module);
      writeTextEncoder(folder, encoder);
    },
  };
}
