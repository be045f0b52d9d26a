import type { OpenOptions } from "../../data/options.js";
import { DisbackError } from "../../errors.js";
import type { SampleCodec } from "../../models/sample-codec.js";
import { images } from "./images.js";
import { pairsOf } from "./pairs.js";
import { points } from "./points.js";
import type { SampleKind } from "./sample-kind.js";
import { textsIn } from "./texts.js";
import { valuesShownBy } from "./values.js";
import { videos } from "./videos.js";

/** What samples look like: the shape of one, and how it becomes a picture if it is no image. */
export type Shown = Pick<SampleCodec, "shownShape" | "picture" | "language" | "pair" | "tasks">;

/** The kinds of samples that are known by their shape. */
export const sampleKinds: readonly SampleKind[] = [images, points, videos];

/** The kind of the samples that a model shows. @throws DisbackError if there is none */
export function kindOfSamples({ shownShape: shape, picture, language, pair }: Shown): SampleKind {
  if (language) return textsIn(language);
  if (pair) return pairsOf(pair);
  if (picture) return valuesShownBy(picture);
  const kind = sampleKinds.find((one) => one.matches(shape));
  if (kind) return kind;
  const known = sampleKinds.map(({ name }) => name).join(", ");
  throw new DisbackError(
    `samples of shape [${shape.join(", ")}] can be neither drawn nor judged; known are ${known}`,
  );
}

/**
 * How a data set is opened that such samples are compared with.
 *
 * @param resolution images are brought to; their own when not given
 */
export function likeSamples(shown: Shown, resolution?: number): OpenOptions {
  const { language, shownShape } = shown;
  if (language) return { text: { language, length: shownShape[0]! } };
  if (shown.picture) return { values: true, ...(resolution === undefined ? {} : { resolution }) };
  if (shownShape.length === 4) {
    const [channels, frames, height, width] = shownShape as [1 | 3, number, number, number];
    if (width !== height)
      throw new DisbackError(
        `clips of ${height} x ${width} cannot be compared with data, which is read as squares`,
      );
    return { channels, frames, resolution: height };
  }
  const [channels, height] = shownShape as [1 | 3, number?];
  return height === undefined ? {} : { resolution: resolution ?? height, channels };
}
