import { cat, type Tensor } from "@disback/torch";
import { oneHotDeviation } from "../text-transformer/config.js";

/** Sizes of pairs. */
export interface PairSizes {
  imageChannels: number;
  imageResolution: number;
  textLength: number;
  letterCount: number;
  /** standard deviation of the pictures; the letters are scaled to have the same */
  sigmaData: number;
}

/**
 * How a pair of a picture and a text is one vector: the picture's pixels, and then the text's one-hot letters, which are
 * scaled so that both parts have the same standard deviation. Noise of one level then hides both at about the same time.
 */
export class PairLayout {
  readonly pictureShape: readonly [channels: number, height: number, width: number];
  /** numbers of the picture */
  readonly pixels: number;
  readonly textLength: number;
  readonly letterCount: number;
  /** value of a letter's 1 */
  readonly letterScale: number;

  constructor({ imageChannels, imageResolution, textLength, letterCount, sigmaData }: PairSizes) {
    this.pictureShape = [imageChannels, imageResolution, imageResolution];
    this.pixels = imageChannels * imageResolution ** 2;
    this.textLength = textLength;
    this.letterCount = letterCount;
    this.letterScale = sigmaData / oneHotDeviation(letterCount);
  }

  /** length of a pair as a vector */
  get size(): number {
    return this.pixels + this.textLength * this.letterCount;
  }

  /** @param pairs `[N, size]` @returns `[N, C, H, W]` and `[N, L, V]` */
  split(pairs: Tensor): { picture: Tensor; letters: Tensor } {
    const { pixels, textLength, letterCount } = this;
    return {
      picture: pairs.narrow(1, 0, pixels).reshape([-1, ...this.pictureShape]),
      letters: pairs.narrow(1, pixels, textLength * letterCount).reshape([-1, textLength, letterCount]),
    };
  }

  /** @param picture `[N, C, H, W]` @param letters `[N, L, V]` @returns `[N, size]` */
  join(picture: Tensor, letters: Tensor): Tensor {
    return cat([picture.flatten(1), letters.flatten(1)], 1);
  }
}
