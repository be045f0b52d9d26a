import type { Tensor } from "@disback/torch";
import { writeGrid } from "../../data/output/grid.js";
import type { SampleCodec } from "../../models/sample-codec.js";
import { textsOf } from "../../text/language/codecs.js";
import type { SampleKind } from "./sample-kind.js";

type Pair = NonNullable<SampleCodec["pair"]>;

/** Pairs `[pixels + L]`: a picture with its word below. Judged by `PairJudge`. */
export function pairsOf(pair: Pair): SampleKind {
  return {
    name: "pairs of a picture and a word",
    values: true,
    matches: () => true,
    texts: (samples) => wordsIn(samples, pair),
    draw: (path, samples, { columns } = {}) =>
      writeGrid(path, picturesIn(samples, pair), {
        ...(columns === undefined ? {} : { columns }),
        captions: wordsIn(samples, pair),
      }),
    defaultExtractor: () => undefined,
    metrics: () => [...pairMetrics],
    headline: () => [...pairMetrics],
  };
}

/** What is measured of pairs. */
export const pairMetrics = ["fid", "validWords", "agreement"] as const;

/** @param shown `[N, pixels + L]` @returns `[N, C, H, W]` */
export function picturesIn(shown: Tensor, { pictureShape }: Pair): Tensor {
  return shown.narrow(1, 0, pixelsOf(pictureShape)).reshape([-1, ...pictureShape]);
}

/** The words without the spaces that fill them up. @param shown `[N, pixels + L]` */
export function wordsIn(shown: Tensor, { pictureShape, language }: Pair): string[] {
  const pixels = pixelsOf(pictureShape);
  const letters = shown.narrow(1, pixels, shown.shape[1]! - pixels).contiguous();
  return textsOf(letters, language).map((word) => word.trimEnd());
}

function pixelsOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
