import { cat, noGrad, ops, type Tensor } from "@disback/torch";
import type { PairLayout } from "../../models/pair-unet/pair-layout.js";
import type { SampleCodec } from "../../models/sample-codec.js";
import type { Language } from "./language.js";

/** For models whose samples are tokens `[N, L]`: int64 inside, float32 where they are shown and judged. */
export function tokenCodec(language: Language, length: number): SampleCodec {
  return {
    shownShape: [length],
    language,
    encode: (shown) => shown.to("int64"),
    decode: (samples) => samples.float(),
    save: (folder) => language.save(folder),
  };
}

/** For models whose samples are probabilities of letters `[N, L, V]`: the likeliest letter is shown. */
export function letterCodec(language: Language, length: number): SampleCodec {
  return {
    shownShape: [length],
    language,
    encode: (shown) => noGrad(() => ops.one_hot(shown.to("int64"), language.size).float()),
    decode: (samples) => noGrad(() => samples.argmax(-1).float()),
    save: (folder) => language.save(folder),
  };
}

/** For models of pairs: shown are the picture's pixels and then each letter's number, `[pixels + L]`. */
export function pairCodec(layout: PairLayout, language: Language): SampleCodec {
  const { pixels, textLength, letterCount, pictureShape } = layout;
  return {
    shownShape: [pixels + textLength],
    pair: { pictureShape, language },
    encode: (shown) =>
      noGrad(() => {
        const numbers = shown.narrow(1, pixels, textLength).to("int64");
        const letters = ops.one_hot(numbers, letterCount).float();
        return layout.join(shown.narrow(1, 0, pixels), letters);
      }),
    decode: (samples) =>
      noGrad(() => {
        const { picture, letters } = layout.split(samples);
        return cat([picture.flatten(1), letters.argmax(-1).float()], 1);
      }),
    save: () => {},
  };
}

/** Texts of tokens `[N, L]`. */
export function textsOf(shown: Tensor, language: Language): string[] {
  const [count, length] = shown.shape as [number, number];
  const tokens = shown.cpu().data();
  return Array.from({ length: count }, (_, row) =>
    language.decode(Array.from(tokens.subarray(row * length, (row + 1) * length), Number)),
  );
}
