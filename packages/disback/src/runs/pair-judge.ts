import { inferenceMode, scope, type Tensor } from "@disback/torch";
import { type Dataset, openDataset, TensorDataset } from "../data/dataset.js";
import { Pairs, requireWords } from "../data/pairs.js";
import { type Evaluation, evaluate, type MetricName } from "../metrics/evaluate.js";
import type { FeatureExtractor } from "../metrics/feature-extractor.js";
import { requireMeasured } from "../metrics/metric-names.js";
import type { Reference } from "../metrics/reference.js";
import { referenceStatistics } from "../metrics/reference-statistics.js";
import { cacheFolder } from "./cache-folder.js";
import { openExtractor } from "./extractor.js";
import type { JudgeOptions, SampleJudge } from "./judge.js";
import { pairMetrics, picturesIn, wordsIn } from "./samples/pairs.js";

type Pair = NonNullable<JudgeOptions["shown"]["pair"]>;

/** Pairs of the data that the classifier is tried on. */
const tried = 500;
/** A classifier that agrees less often with the data's own words is of other classes. */
const leastAgreement = 0.5;

interface Judging {
  pair: Pair;
  extractor: FeatureExtractor;
  reference: Reference;
  dataset: Dataset;
  words: ReadonlySet<string>;
  /** the class that a word names */
  classOf: ReadonlyMap<string, number>;
}

/**
 * Judges pairs of a picture and a word: the pictures by FID, the words by whether the data have them, and both by whether they
 * agree: a classifier of the data's classes sees in the picture the class that the word names.
 */
export class PairJudge implements SampleJudge {
  /** the pairs they are compared with */
  readonly dataset: Dataset;
  applicable: MetricName[] = pairMetrics.filter((name) => name !== "agreement");
  /** how often the data's own pairs agree; undefined where no classifier tells */
  private ownAgreement: number | undefined;

  private constructor(private readonly judging: Judging) {
    this.dataset = judging.dataset;
  }

  get headline(): MetricName[] {
    return this.applicable;
  }

  /** @returns `undefined` when nothing to compare with was given, which is said */
  static async open(options: JudgeOptions): Promise<PairJudge | undefined> {
    const { shown, data, notice, skipBroken = false } = options;
    const pair = shown.pair!;
    const { pictureShape, language } = pair;
    if (data === undefined) {
      notice("no pictures and words to compare with (give --data)");
      return undefined;
    }
    const extractor = openExtractor({ ...options, shown: { shownShape: pictureShape } });
    if (!extractor) {
      notice(
        `no feature extractor for pictures [${pictureShape.join(", ")}]: no FID (give --extractor or --inception)`,
      );
      return undefined;
    }
    const [channels, resolution] = pictureShape as [1 | 3, number];
    const pictures = await openDataset(data, {
      ...{ resolution, channels, labels: true, skipBroken, onWarning: notice },
      ...(options.onDecoding ? { onProgress: options.onDecoding } : {}),
    });
    const words = requireWords(pictures, data);
    const cache = cacheFolder("references");
    const reference = await referenceStatistics(pictures, extractor, cache, options.onReading);
    const pixels = pictureShape.reduce((product, side) => product * side, 1);
    const textLength = shown.shownShape[0]! - pixels;
    const dataset = new TensorDataset(new Pairs(pictures, words, { language, textLength }));
    const classOf = new Map((pictures.classNames ?? []).map((name, place) => [name.toLowerCase(), place]));
    const judge = new PairJudge({ pair, extractor, reference, dataset, words: new Set(words), classOf });
    await judge.tryClassifier(notice);
    return judge;
  }

  /** Whether the extractor knows the data's classes, as its agreement with their words shows. */
  private async tryClassifier(notice: (line: string) => void): Promise<void> {
    const { dataset, pair, extractor, classOf } = this.judging;
    if (!extractor.probabilities || classOf.size === 0) return;
    const count = Math.min(tried, dataset.length);
    const places = Array.from({ length: count }, (_, at) => Math.floor((at * dataset.length) / count));
    const { samples } = await dataset.batch(places);
    const classes = scope(() => extractor.probabilities!(picturesIn(samples, pair)).shape[1]);
    const agreement = this.agreeing(picturesIn(samples, pair), wordsIn(samples, pair)) / count;
    samples.dispose();
    if (classes !== classOf.size || agreement < leastAgreement) {
      notice(
        `${extractor.name} knows other classes than the data: no figure for whether picture and word agree`,
      );
      return;
    }
    this.ownAgreement = agreement;
    this.applicable = [...pairMetrics];
  }

  async measure(
    source: Parameters<SampleJudge["measure"]>[0],
    count: number,
    metrics: readonly MetricName[] = this.headline,
    onProgress?: (done: number) => unknown,
  ): Promise<Evaluation> {
    requireMeasured(metrics, this.applicable, "these pairs");
    const told = { done: 0, valid: 0, agreeing: 0 };
    const batches = this.pictures(source, count, told, onProgress);
    const { extractor, reference } = this.judging;
    const { fid, samples } = await evaluate({ batches, count, extractor, reference });
    const figures: Partial<Record<MetricName, number>> = {
      ...{ fid: fid!, validWords: told.valid / told.done, agreement: told.agreeing / told.done },
    };
    return {
      ...{ extractor: extractor.name, samples },
      ...Object.fromEntries(metrics.map((name) => [name, figures[name]])),
    };
  }

  describe(count: number): string {
    const { dataset, extractor } = this.judging;
    const own =
      this.ownAgreement === undefined
        ? ""
        : `; of the data's own pairs ${(100 * this.ownAgreement).toFixed(1)} % agree`;
    return `${count.toLocaleString("en")} pairs against ${dataset.name}, in the feature space of ${extractor.name}${own}; figures compare only within one extractor and sample count`;
  }

  /** Pictures of the pairs, whose words are judged on the way. Each process draws the same. */
  private async *pictures(
    source: Parameters<SampleJudge["measure"]>[0],
    count: number,
    told: { done: number; valid: number; agreeing: number },
    onProgress?: (done: number) => unknown,
  ): AsyncGenerator<Tensor> {
    const { pair, words: known } = this.judging;
    for await (const shown of "batches" in source ? source.batches : drawn(source.generate, count)) {
      const words = wordsIn(shown, pair).slice(0, count - told.done);
      const pictures = inferenceMode(() => scope(() => picturesIn(shown, pair).clone()));
      shown.dispose();
      told.valid += words.filter((word) => known.has(word)).length;
      if (this.ownAgreement !== undefined) told.agreeing += this.agreeing(pictures, words);
      told.done += words.length;
      await onProgress?.(told.done);
      yield pictures;
      if (told.done >= count) return;
    }
  }

  /** How many words name the class that the classifier sees. */
  private agreeing(pictures: Tensor, words: readonly string[]): number {
    const { extractor, classOf } = this.judging;
    const seen = scope(() => Array.from(extractor.probabilities!(pictures).argmax(1).cpu().data(), Number));
    return words.filter((word, at) => classOf.get(word) === seen[at]).length;
  }
}

async function* drawn(generate: (count: number) => Tensor, count: number): AsyncGenerator<Tensor> {
  for (let done = 0; done < count; done += 64)
    yield inferenceMode(() => scope(() => generate(Math.min(64, count - done)).clone()));
}
