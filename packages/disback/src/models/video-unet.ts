import type { Tensor } from "@disback/torch";
import type { SongUNetOptions } from "./song-options.js";
import { SongUNet } from "./song-unet.js";
import type { WeightSource } from "./weights.js";

/**
 * DDPM++ over short clips, whose frames are the channels of one picture: each of its convolutions sees all moments. Its
 * keys are those of `SongUNet`; channels run over the clip's channels, then frames.
 */
export class VideoUNet extends SongUNet {
  /** @param options of DDPM++; `inChannels` and `outChannels` are those of a frame @param frames of a clip */
  constructor(
    source: WeightSource,
    options: SongUNetOptions,
    private readonly frames: number,
  ) {
    const { inChannels, outChannels } = options;
    super(source, { ...options, inChannels: frames * inChannels, outChannels: frames * outChannels });
  }

  /** @param x `[N, C, T, H, W]` @returns `[N, outChannels, T, H, W]` */
  override forward(x: Tensor, noise: Tensor, labels?: Tensor, augmentation?: Tensor): Tensor {
    const [batch, , , height, width] = x.shape as [number, number, number, number, number];
    const drawn = super.forward(x.flatten(1, 2), noise, labels, augmentation);
    return drawn.reshape([batch, -1, this.frames, height, width]);
  }

  /** @param x `[N, C, T, H, W]` @returns the bottleneck, `[N, channels, h, w]` */
  override features(x: Tensor, noise: Tensor, labels?: Tensor): Tensor {
    return super.features(x.flatten(1, 2), noise, labels);
  }
}
