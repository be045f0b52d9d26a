import { inferenceMode, scope, type Tensor } from "@disback/torch";
import { type Dataset, openDataset, TensorDataset } from "../data/dataset.js";
import { Pairs, wordsOf } from "../data/pairs.js";
import { DisbackError } from "../errors.js";
import { type Evaluation, evaluate, type MetricName } from "../metrics/evaluate.js";
import type { FeatureExtractor } from "../metrics/feature-extractor.js";
import type { Reference } from "../metrics/reference.js";
import { referenceStatistics } from "../metrics/reference-statistics.js";
import { cacheFolder } from "./cache-folder.js";
import { openExtractor } from "./extractor.js";
import type { JudgeOptions, SampleJudge } from "./judge.js";
import { pairMetrics, picturesIn, wordsIn } from "./samples/pairs.js";

type Pair = NonNullable<JudgeOptions["shown"]["pair"]>;

/**
 * Judges pairs of a picture and a word: the pictures by FID, the words by whether the data have them, and both by whether they
 * agree: a classifier of the data's classes sees in the picture the class that the word names.
 */
export class PairJudge implements SampleJudge {
  readonly applicable: MetricName[];
  readonly headline: MetricName[];
  private readonly classOf: ReadonlyMap<string, number>;

  private constructor(
    private readonly pair: Pair,
    private readonly extractor: FeatureExtractor,
    private readonly reference: Reference,
    /** the pairs they are compared with */
    readonly dataset: Dataset,
    private readonly words: ReadonlySet<string>,
    classNames: readonly string[],
  ) {
    this.classOf = new Map(classNames.map((name, place) => [name.toLowerCase(), place]));
    const agrees = extractor.probabilities !== undefined && classNames.length > 0;
    this.applicable = pairMetrics.filter((name) => agrees || name !== "agreement");
    this.headline = this.applicable;
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
    const words = wordsOf(pictures);
    if (!words) throw new DisbackError(`${data}: has neither captions nor classes with names, so no words`);
    const reference = await referenceStatistics(
      pictures,
      extractor,
      cacheFolder("references"),
      options.onReading,
    );
    const textLength = shown.shownShape[0]! - pictureShape.reduce((product, side) => product * side, 1);
    const dataset = new TensorDataset(new Pairs(pictures, words, { language, textLength }));
    return new PairJudge(pair, extractor, reference, dataset, new Set(words), pictures.classNames ?? []);
  }

  async measure(
    source: Parameters<SampleJudge["measure"]>[0],
    count: number,
    metrics: readonly MetricName[] = this.headline,
    onProgress?: (done: number) => unknown,
  ): Promise<Evaluation> {
    const unknown = metrics.find((name) => !this.applicable.includes(name));
    if (unknown)
      throw new DisbackError(
        `${unknown}: is not measured of these pairs, only ${this.applicable.join(", ")}`,
      );
    const told = { done: 0, valid: 0, agreeing: 0 };
    const batches = this.pictures(source, count, told, onProgress);
    const { extractor, reference } = this;
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
    return `${count.toLocaleString("en")} pairs against ${this.dataset.name}, in the feature space of ${this.extractor.name}; figures compare only within one extractor and sample count`;
  }

  /** Pictures of the pairs, whose words are judged on the way. Each process draws the same. */
  private async *pictures(
    source: Parameters<SampleJudge["measure"]>[0],
    count: number,
    told: { done: number; valid: number; agreeing: number },
    onProgress?: (done: number) => unknown,
  ): AsyncGenerator<Tensor> {
    for await (const shown of "batches" in source ? source.batches : drawn(source.generate, count)) {
      const words = wordsIn(shown, this.pair).slice(0, count - told.done);
      const pictures = inferenceMode(() => scope(() => picturesIn(shown, this.pair).clone()));
      shown.dispose();
      const seen = this.classesSeen(pictures);
      told.valid += words.filter((word) => this.words.has(word)).length;
      told.agreeing += words.filter(
        (word, at) => seen !== undefined && this.classOf.get(word) === seen[at],
      ).length;
      told.done += words.length;
      await onProgress?.(told.done);
      yield pictures;
      if (told.done >= count) return;
    }
  }

  private classesSeen(pictures: Tensor): number[] | undefined {
    const { extractor } = this;
    if (!extractor.probabilities) return undefined;
    return scope(() => Array.from(extractor.probabilities!(pictures).argmax(1).cpu().data(), Number));
  }
}

async function* drawn(generate: (count: number) => Tensor, count: number): AsyncGenerator<Tensor> {
  for (let done = 0; done < count; done += 64)
    yield inferenceMode(() => scope(() => generate(Math.min(64, count - done)).clone()));
}
