import { cat, type DType, ops, scope, type Tensor } from "@disback/torch";
import { Dense } from "../dense.js";
import { Network } from "../network.js";
import type { SongUNetOptions } from "../song-options.js";
import { SongUNet } from "../song-unet.js";
import type { WeightSource } from "../weights.js";
import type { PairLayout } from "./pair-layout.js";

const START = { distribution: "xavier-uniform" } as const;

/**
 * One network over pairs of a picture and a text. DDPM++ restores the picture, told the letters as it is told a class; the
 * letters are restored from themselves and from what DDPM++ sees at its narrowest place. So each part sees the other.
 */
export class PairUNet extends Network {
  readonly unet: SongUNet;
  readonly read: Dense;
  readonly mix: Dense;
  readonly write: Dense;

  /** @param options of DDPM++ @param letterChannels width of the letters' part */
  constructor(
    source: WeightSource,
    options: SongUNetOptions,
    letterChannels: number,
    private readonly layout: PairLayout,
  ) {
    super();
    const { textLength, letterCount } = layout;
    this.unet = new SongUNet(source, { ...options, labelDim: letterChannels });
    this.read = new Dense(source, textLength * letterCount, letterChannels, START);
    const narrowest = this.unet.enc.outputChannels.at(-1)!;
    this.mix = new Dense(source, narrowest + letterChannels, letterChannels, START);
    this.write = new Dense(source, letterChannels, textLength * letterCount, { ...START, weightScale: 1e-5 });
  }

  get dtype(): DType {
    return this.unet.dtype;
  }

  /** @param x `[N, size]` @returns the picture as DDPM++ gives it, and logits of the letters, `[N, size]` */
  forward(x: Tensor, noise: Tensor): Tensor {
    return scope(() => {
      const { picture, letters } = this.layout.split(x);
      const code = ops.silu(this.read.forward(letters.flatten(1)));
      const labels = code.div(Math.sqrt(code.shape[1]!));
      const { output, mean } = this.unet.outputAndMean(picture, noise, labels);
      const seen = cat([mean, code], 1);
      const logits = this.write.forward(ops.silu(this.mix.forward(seen)));
      return cat([output.flatten(1), logits], 1);
    });
  }

  /** What the letters are restored from. @returns `[N, letterChannels]` */
  features(x: Tensor, noise: Tensor): Tensor {
    return scope(() => {
      const { picture, letters } = this.layout.split(x);
      const code = ops.silu(this.read.forward(letters.flatten(1)));
      const narrowest = this.unet.features(picture, noise, code.div(Math.sqrt(code.shape[1]!)));
      return ops.silu(this.mix.forward(cat([narrowest.mean([2, 3]), code], 1)));
    });
  }
}
