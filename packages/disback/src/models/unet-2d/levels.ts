import type { LevelParts } from "./blocks.js";
import type { DownBlockType, UNet2DOptions, UpBlockType } from "./options.js";

/** What a level of this type consists of; the last one keeps its resolution. */
export function downParts(
  type: DownBlockType,
  last: boolean,
  { downsampling }: Pick<UNet2DOptions, "downsampling">,
): LevelParts {
  const way = {
    DownBlock2D: "conv",
    AttnDownBlock2D: downsampling,
    ResnetDownsampleBlock2D: "resnet",
  } as const;
  return { attention: type === "AttnDownBlock2D", resampling: last ? null : way[type] };
}

/** What a level of this type consists of; the last one keeps its resolution. */
export function upParts(
  type: UpBlockType,
  last: boolean,
  { upsampling }: Pick<UNet2DOptions, "upsampling">,
): LevelParts {
  const way = { UpBlock2D: "conv", AttnUpBlock2D: upsampling, ResnetUpsampleBlock2D: "resnet" } as const;
  return { attention: type === "AttnUpBlock2D", resampling: last ? null : way[type] };
}
