import { DisbackError } from "../../errors.js";
import { images } from "./images.js";
import { points } from "./points.js";
import type { SampleKind } from "./sample-kind.js";

/** All kinds of samples. */
export const sampleKinds: readonly SampleKind[] = [images, points];

/** The kind of samples with this shape (without the batch). @throws DisbackError if there is none */
export function kindOfSamples(shape: readonly number[]): SampleKind {
  const kind = sampleKinds.find((one) => one.matches(shape));
  if (kind) return kind;
  const known = sampleKinds.map(({ name }) => name).join(" and ");
  throw new DisbackError(
    `samples of shape [${shape.join(", ")}] can be neither drawn nor evaluated; known are ${known}`,
  );
}
