import { createHash } from "node:crypto";
import type { Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { FeatureExtractor } from "./feature-extractor.js";

/** The samples' coordinates as features, for 2-D data: no network. */
export class CoordinateExtractor implements FeatureExtractor {
  readonly name = "coordinates";
  readonly exact = true;
  readonly contentHash: string;
  readonly featureDim: number;

  /** @param dimension number of coordinates of a sample */
  constructor(dimension: number) {
    this.featureDim = dimension;
    this.contentHash = createHash("sha256").update(`coordinates ${dimension}`).digest("hex");
  }

  /** @param samples `[N, ...]` with `featureDim` values each */
  features(samples: Tensor): Tensor {
    const flat = samples.flatten(1);
    if (flat.shape[1] !== this.featureDim) {
      throw new DisbackError(
        `Expected samples of ${this.featureDim} values, got [${samples.shape.join(", ")}]`,
      );
    }
    return flat.float();
  }
}
