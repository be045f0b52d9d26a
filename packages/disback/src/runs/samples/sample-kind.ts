import type { Device, Tensor } from "@disback/torch";
import type { MetricName } from "../../metrics/evaluate.js";
import type { FeatureExtractor } from "../../metrics/feature-extractor.js";

/** Facts about an evaluation. */
export interface JudgedBy {
  /** whether the data are a mixture with known modes */
  modes: boolean;
  extractor: FeatureExtractor;
}

/** Layout of a picture of samples. */
export interface PictureOptions {
  /** columns of a grid; default as square as possible */
  columns?: number | undefined;
}

/**
 * How samples of a kind are shown, evaluated and written by runs, `sample`, `evaluate` and imports. A new kind (text,
 * video) is one more entry in the table of `kinds.ts`.
 */
export interface SampleKind {
  /** plural for messages: "images" */
  readonly name: string;
  /** Whether samples of this shape (without the batch) are of this kind. */
  matches(shape: readonly number[]): boolean;
  /** Writes samples `[N, ...]` as one PNG. */
  draw(path: string, samples: Tensor, options?: PictureOptions): Promise<void>;
  /** Writes the side files of a run's picture, for the studio. */
  drawBeside?(picturePath: string, samples: Tensor): Promise<void>;
  /** Writes samples as single files into a folder, numbered from `first`. Absent if files make no sense. */
  writeEach?(folder: string, samples: Tensor, first: number): Promise<void>;
  /** The default feature space; undefined if none fits. */
  defaultExtractor(shape: readonly number[], device: Device): FeatureExtractor | undefined;
  /** The available metrics, in display order. */
  metrics(by: JudgedBy): MetricName[];
  /** The figures shown during training. */
  headline(by: JudgedBy): MetricName[];
}
