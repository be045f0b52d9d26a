import type { Device, ProcessGroup, Tensor } from "@disback/torch";
import type { Dataset } from "../data/dataset.js";
import { openDataset } from "../data/dataset.js";
import { DisbackError } from "../errors.js";
import { type Evaluation, evaluate, type MetricName } from "../metrics/evaluate.js";
import type { FeatureExtractor } from "../metrics/feature-extractor.js";
import type { Reference } from "../metrics/reference.js";
import { isReferenceFile, loadReferenceFile } from "../metrics/reference-file.js";
import { type ReadingProgress, referenceStatistics } from "../metrics/reference-statistics.js";
import { loadShippedReference, shippedExtractors } from "../metrics/shipped.js";
import { cacheFolder } from "./cache-folder.js";
import { openExtractor } from "./extractor.js";
import type { Follower } from "./long-work.js";
import { PairJudge } from "./pair-judge.js";
import { kindOfSamples, likeSamples, type Shown } from "./samples/kinds.js";
import type { JudgedBy } from "./samples/sample-kind.js";
import { TextJudge } from "./text-judge.js";

/** What decides how samples are judged. */
export interface JudgeOptions {
  /** What the samples to be judged look like. */
  shown: Shown;
  device: Device;
  /** Whether the samples follow prompts: no shipped statistics are of such data. Default false. */
  prompted?: boolean;
  /** Data set, or a file of reference statistics; the shipped statistics of the extractor when not given. */
  data?: string | undefined;
  resolution?: number | undefined;
  skipBroken?: boolean;
  /** Shipped name or folder; chosen by the samples' shape when not given. */
  extractor?: string | undefined;
  inception?: string | undefined;
  /** Samples drawn at once. */
  batchSize: number;
  notice: (line: string) => void;
  /** Called while the data's images are decoded. */
  onDecoding?: Follower["report"];
  /** Called while the data are read, which takes long the first time. */
  onReading?: ReadingProgress;
}

/** Judges samples of a kind. */
export type SampleJudge = Pick<Judge, "applicable" | "headline" | "dataset" | "measure" | "describe">;

/** Opens what judges such samples, see `Judge.open`. */
export function openJudge(options: JudgeOptions): Promise<SampleJudge | undefined> {
  if (options.shown.pair) return PairJudge.open(options);
  return options.shown.language ? TextJudge.open(options) : Judge.open(options);
}

/** The same, while its waits are followed: for decoding the data's images, and for reading them. */
export function openFollowedJudge(
  options: Omit<JudgeOptions, "onDecoding" | "onReading">,
  { decoding, reading }: { decoding: Follower; reading: Follower },
): Promise<SampleJudge | undefined> {
  return openJudge({
    ...options,
    onDecoding: decoding.report,
    onReading: async (done, total) => {
      decoding.end();
      await reading.report(done, total);
    },
  }).finally(() => {
    decoding.end();
    reading.end();
  });
}

/** Compares samples with a reference, always in the same way. */
export class Judge {
  private constructor(
    private readonly extractor: FeatureExtractor,
    private readonly reference: Reference,
    /** what they are compared with, unless it is a file of statistics */
    readonly dataset: Dataset | undefined,
    private readonly options: JudgeOptions,
  ) {}

  /** @returns `undefined` when nothing to compare with was given and nothing shipped fits, which is said */
  static async open(options: JudgeOptions): Promise<Judge | undefined> {
    const extractor = openExtractor(options);
    if (!extractor) {
      options.notice(
        `no feature extractor for samples [${options.shown.shownShape.join(", ")}]: no FID (give --extractor or --inception)`,
      );
      return undefined;
    }
    const { data } = options;
    if (data !== undefined && (await isReferenceFile(data)))
      return new Judge(extractor, await loadReferenceFile(data, extractor), undefined, options);
    if (data !== undefined) {
      const dataset = await openComparison(data, options);
      const reference = await referenceStatistics(
        dataset,
        extractor,
        cacheFolder("references"),
        options.onReading,
      );
      return new Judge(extractor, reference, dataset, options);
    }
    const { tasks } = options.shown;
    if (tasks) {
      options.notice(
        `samples of several tasks (${tasks.join(", ")}): no FID (give --data with samples of all of them)`,
      );
      return undefined;
    }
    const shipped = !options.prompted && shippedExtractors().includes(extractor.name);
    if (shipped) return new Judge(extractor, loadShippedReference(extractor.name), undefined, options);
    options.notice("no data to compare with: no FID (give --data)");
    return undefined;
  }

  /** What can be measured here, in the order it is shown. */
  get applicable(): MetricName[] {
    if (this.momentsOnly) return this.extractor.probabilities ? ["fid", "inceptionScore"] : ["fid"];
    return kindOfSamples(this.options.shown).metrics(this.judgedBy);
  }

  /** The figures a training is followed by: FID for images, distance and modes for points. */
  get headline(): MetricName[] {
    if (this.momentsOnly) return ["fid"];
    return kindOfSamples(this.options.shown).headline(this.judgedBy);
  }

  /** Whether the reference is a file of mean and covariance, which is enough for the Frechet distance alone. */
  private get momentsOnly(): boolean {
    return this.reference.features.shape[0] === 0;
  }

  private get judgedBy(): JudgedBy {
    const { modes, digits } = this.dataset ?? {};
    return { modes: modes !== undefined, digits: digits !== undefined, extractor: this.extractor };
  }

  /** Judges `count` samples. */
  measure(
    source:
      | { generate: (count: number) => Tensor; skip?: (count: number) => void; group?: ProcessGroup }
      | { batches: AsyncIterable<Tensor> },
    count: number,
    metrics: readonly MetricName[] = this.headline,
    onProgress?: (done: number) => unknown,
  ): Promise<Evaluation> {
    return evaluate({
      ...source,
      count,
      metrics,
      extractor: this.extractor,
      reference: this.reference,
      batchSize: this.options.batchSize,
      ...(this.dataset?.modes ? { modes: this.dataset.modes } : {}),
      ...(this.dataset?.digits ? { digits: this.dataset.digits } : {}),
      ...(onProgress ? { onProgress } : {}),
    });
  }

  /** One line that belongs beside every figure. */
  describe(count: number): string {
    const { extractor, reference } = this;
    const { count: known } = reference.statistics;
    const size = known > 0 ? `${known.toLocaleString("en")} samples` : "number of samples unknown";
    return `${count.toLocaleString("en")} samples against ${reference.dataset} (${size}), in the feature space of ${extractor.name}; figures compare only within one extractor and sample count`;
  }
}

/** The data at the samples' own size. */
async function openComparison(data: string, options: JudgeOptions): Promise<Dataset> {
  const { shownShape } = options.shown;
  const dataset = await openDataset(data, {
    ...likeSamples(options.shown, options.resolution),
    labels: false,
    skipBroken: options.skipBroken ?? false,
    onWarning: options.notice,
    ...(options.onDecoding ? { onProgress: options.onDecoding } : {}),
  });
  if (dataset.sampleShape.join() !== shownShape.join()) {
    throw new DisbackError(
      `${data}: samples are [${dataset.sampleShape.join(", ")}], those to be judged [${shownShape.join(", ")}]`,
    );
  }
  return dataset;
}
