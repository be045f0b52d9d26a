import { DisbackError, UsageError } from "../errors.js";
import type { TextToImagePipeline } from "../import/pipeline/text-to-image-pipeline.js";
import type { PipelineChoice } from "../import/pipeline/text-to-image-source.js";
import { frameReduction, reduction } from "../models/autoencoder/autoencoder-config.js";

/** Height and width of Flux's latents as it was trained, which its configuration does not say. */
const usualSide = 128;

type Sized = Pick<TextToImagePipeline, "network" | "autoencoder">;

/**
 * Height and width of the latents, after their frames for clips.
 * @throws UsageError naming the flag that does not fit, is missing or has no effect
 * @throws DisbackError if the configuration's latents are no squares, or if the autoencoder is for another kind
 */
export function latentSides(pipeline: Sized, source: string, choice: PipelineChoice): number[] {
  if (pipeline.network.kind === "wan") return clipSides(pipeline, source, choice);
  for (const flag of ["frames", "width"] as const)
    if (choice[flag] !== undefined) throw new UsageError(`--${flag}: ${source} draws pictures, not clips`);
  const side = pictureSide(pipeline, source, choice.resolution);
  return [side, side];
}

function pictureSide({ network, autoencoder }: Sized, source: string, resolution?: number): number {
  if (resolution !== undefined)
    return reduced("resolution", resolution, reduction(autoencoder.config), source);
  const [height, width] = network.sampleShape.slice(1);
  if (height === null || height === undefined) return usualSide;
  if (height === width) return height;
  throw new DisbackError(
    `${source}: its latents must be squares, not ${height} x ${width}: give --resolution`,
  );
}

function clipSides({ autoencoder: { config } }: Sized, source: string, choice: PipelineChoice): number[] {
  const { frames, resolution, width = resolution } = choice;
  if (config.autoencoder !== "wan")
    throw new DisbackError(`${source}: its autoencoder is for pictures, its network for clips`);
  if (frames === undefined || resolution === undefined)
    throw new UsageError(
      `${source}: its configuration does not say how large its clips are: give --resolution and --frames`,
    );
  const [inTime, factor] = [frameReduction(config), reduction(config)];
  if ((frames - 1) % inTime !== 0)
    throw new UsageError(
      `--frames ${frames}: must be 1 more than a multiple of ${inTime}, as ${source}'s autoencoder takes them`,
    );
  return [
    (frames - 1) / inTime + 1,
    reduced("resolution", resolution, factor, source),
    reduced("width", width!, factor, source),
  ];
}

function reduced(flag: string, pixels: number, factor: number, source: string): number {
  if (pixels % factor === 0) return pixels / factor;
  throw new UsageError(
    `--${flag} ${pixels}: must be a multiple of ${factor}, as ${source}'s autoencoder makes it smaller by that`,
  );
}
