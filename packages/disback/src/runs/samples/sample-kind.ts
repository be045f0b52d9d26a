import type { Device, Tensor } from "@disback/torch";
import type { MetricName } from "../../metrics/evaluate.js";
import type { FeatureExtractor } from "../../metrics/feature-extractor.js";

/** What is known where samples are judged. */
export interface JudgedBy {
  /** the data is a mixture whose modes are known */
  modes: boolean;
  /** the data is of moving digits, whose motion is known */
  digits: boolean;
  extractor: FeatureExtractor;
}

/** How a picture of samples looks. */
export interface PictureOptions {
  /** columns of a grid; as square as possible when not given */
  columns?: number | undefined;
  /** what stands below each sample */
  captions?: readonly string[] | undefined;
}

/**
 * How samples of a kind are drawn, judged and written. Runs, `sample`, `evaluate` and imports go by it: a new kind (sound,
 * say) is one more entry of the table in `kinds.ts`.
 */
export interface SampleKind {
  /** the plural, for messages: "images" */
  readonly name: string;
  /** kept, compared and judged as float32 as they are, whatever their shape; images are bytes in the end */
  readonly values?: boolean;
  /** shown as moving pictures: animated PNGs, or GIFs */
  readonly moving?: boolean;
  /** Whether samples of this shape, without the batch, are of this kind. */
  matches(shape: readonly number[]): boolean;
  /** Writes samples `[N, ...]` as one PNG. */
  draw(path: string, samples: Tensor, options?: PictureOptions): Promise<void>;
  /** Whether they are printed where no place to write to is given. */
  readonly toTerminal?: boolean;
  /** What samples say, for texts, alone or with pictures. */
  texts?(samples: Tensor): string[];
  /** Writes what else belongs beside a picture of a run, for the studio. */
  drawBeside?(picturePath: string, samples: Tensor): Promise<void>;
  /** Writes samples one by one into a folder, the first of them with this number. Absent where files make no sense. */
  writeEach?(folder: string, samples: Tensor, first: number): Promise<void>;
  /** The feature space they are judged in when none is chosen; undefined where none fits. */
  defaultExtractor(shape: readonly number[], device: Device): FeatureExtractor | undefined;
  /** What can be measured, in the order it is shown. */
  metrics(by: JudgedBy): MetricName[];
  /** The figures a training is followed by. */
  headline(by: JudgedBy): MetricName[];
}
