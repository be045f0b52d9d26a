import type { Module, Tensor } from "@disback/torch";
import type { Language } from "../text/language/language.js";

/** A network that makes images of latents. */
export interface LatentDecoder {
  /** @param latents `[N, c, h, w]` @returns `[N, ...shownShape]`, all at once */
  readonly module: Module & { decoded(latents: Tensor): Tensor };
  /** shape of one image, `[C, H, W]` */
  readonly shownShape: readonly number[];
}

/**
 * What lies between a model's samples and what people see and metrics judge. The method knows nothing of it: it is
 * applied where samples are shown, judged and compared with data.
 */
export interface SampleCodec {
  /** shape of one sample as it is shown, `[C, H, W]` or `[D]` */
  readonly shownShape: readonly number[];
  /** @param shown `[N, ...shownShape]` @returns samples of the model's kind, without gradients */
  encode(shown: Tensor): Tensor;
  /** @param samples of the model's kind, `[N, ...]` @returns `[N, ...shownShape]`, without gradients */
  decode(samples: Tensor): Tensor;
  /** what decodes, for export; absent where samples are shown as they are */
  readonly decoder?: LatentDecoder;
  /**
   * Pictures of samples that are no images in [-1, 1], `[N, ...shownShape]` to `[N, C, H, W]` in [-1, 1]. Such samples are
   * judged and stored as the values they are.
   */
  picture?(shown: Tensor): Tensor;
  /** The tasks that samples are of, if several: no statistics that come along are of all. */
  readonly tasks?: readonly string[];
  /** What shown samples `[N, L]` say, if they are texts. */
  readonly language?: Language;
  /** What shown samples `[N, pixels + L]` are, if they are pairs of a picture and a text. */
  readonly pair?: { readonly pictureShape: readonly number[]; readonly language: Language };
  /** Writes into a model's folder what it takes to open this again. */
  save(folder: string): void;
}

/** For models whose samples are shown as they are. @param shape of one sample */
export function asTheyAre(shape: readonly number[]): SampleCodec {
  return { shownShape: shape, encode: (shown) => shown, decode: (samples) => samples, save: () => {} };
}
