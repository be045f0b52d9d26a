import { cat, type Tensor } from "@disback/torch";

/** Sizes of pairs. */
export interface PairSizes {
  imageChannels: number;
  imageResolution: number;
  textLength: number;
  letterCount: number;
}

/** How a pair of a picture and a text is one vector: the picture's pixels, and then the text's one-hot letters. */
export class PairLayout {
  readonly pictureShape: readonly [channels: number, height: number, width: number];
  /** numbers of the picture */
  readonly pixels: number;
  readonly textLength: number;
  readonly letterCount: number;

  constructor({ imageChannels, imageResolution, textLength, letterCount }: PairSizes) {
    this.pictureShape = [imageChannels, imageResolution, imageResolution];
    this.pixels = imageChannels * imageResolution ** 2;
    this.textLength = textLength;
    this.letterCount = letterCount;
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
