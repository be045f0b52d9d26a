import type { Tensor } from "@disback/torch";

/**
 * Converts between a model's samples and what is shown and evaluated. The method does not use it; it is applied where
 * samples are shown, evaluated or compared with data.
 */
export interface SampleCodec {
  /** shape of one sample as it is shown, `[C, H, W]` or `[D]` */
  readonly shownShape: readonly number[];
  /** @param shown `[N, ...shownShape]` @returns samples of the model, without gradients */
  encode(shown: Tensor): Tensor;
  /** @param samples samples of the model, `[N, ...]` @returns `[N, ...shownShape]`, without gradients */
  decode(samples: Tensor): Tensor;
  /** Writes what is needed to open this again into a model's folder. */
  save(folder: string): void;
}

/** For models whose samples are shown unchanged. @param shape shape of one sample */
export function asTheyAre(shape: readonly number[]): SampleCodec {
  return { shownShape: shape, encode: (shown) => shown, decode: (samples) => samples, save: () => {} };
}
