import { inferenceMode, scope, type Tensor } from "@disback/torch";
import { type Dataset, openDataset } from "../data/dataset.js";
import { isText, readText } from "../data/formats/text.js";
import { DisbackError } from "../errors.js";
import type { Evaluation, MetricName } from "../metrics/evaluate.js";
import { requireMeasured } from "../metrics/metric-names.js";
import { TextReference } from "../metrics/texts/text-figures.js";
import { textsOf } from "../text/language/codecs.js";
import type { Language } from "../text/language/language.js";
import type { JudgeOptions, SampleJudge } from "./judge.js";
import { textMetrics } from "./samples/texts.js";

/** Compares texts with a reference text: letters in a row, words, repetitions. */
export class TextJudge implements SampleJudge {
  readonly applicable: MetricName[] = [...textMetrics];
  readonly headline: MetricName[] = [...textMetrics];

  private constructor(
    private readonly language: Language,
    private readonly reference: TextReference,
    readonly dataset: Dataset,
  ) {}

  /** @returns `undefined` when nothing to compare with was given, which is said */
  static async open({ shown, data, notice }: JudgeOptions): Promise<TextJudge | undefined> {
    const language = shown.language!;
    if (data === undefined) {
      notice("no text to compare with (give --data)");
      return undefined;
    }
    if (!isText(data))
      throw new DisbackError(`${data}: texts are compared with text: a .txt file, or a folder of them`);
    const dataset = await openDataset(data, { text: { language, length: shown.shownShape[0]! } });
    return new TextJudge(language, new TextReference(readText(data)), dataset);
  }

  async measure(
    source: Parameters<SampleJudge["measure"]>[0],
    count: number,
    metrics: readonly MetricName[] = this.headline,
    onProgress?: (done: number) => unknown,
  ): Promise<Evaluation> {
    requireMeasured(metrics, textMetrics, "texts");
    const texts: string[] = [];
    const take = async (batch: Tensor) => {
      texts.push(...textsOf(batch, this.language).slice(0, count - texts.length));
      batch.dispose();
      await onProgress?.(texts.length);
    };
    if ("batches" in source) {
      for await (const batch of source.batches) await take(batch);
    } else {
      // Counting is quick beside drawing, so each process counts the same texts.
      while (texts.length < count)
        await take(
          inferenceMode(() => scope(() => source.generate(Math.min(64, count - texts.length)).clone())),
        );
    }
    const figures = this.reference.compare(texts) as Partial<Record<MetricName, number>>;
    return {
      extractor: "letters and words",
      samples: texts.length,
      ...Object.fromEntries(
        metrics.flatMap((name) => (figures[name] === undefined ? [] : [[name, figures[name]]])),
      ),
    };
  }

  describe(count: number): string {
    const { name } = this.dataset;
    return `${count.toLocaleString("en")} texts against ${name}: trigrams and 5-grams of its letters, its words; figures compare only with the same text and count`;
  }
}
