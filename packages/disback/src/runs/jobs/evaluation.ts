import { existsSync } from "node:fs";
import type { Device, Tensor } from "@disback/torch";
import { requireCaptions } from "../../data/caption-tokens.js";
import { openDataset } from "../../data/dataset.js";
import { DisbackError, UsageError } from "../../errors.js";
import { isTextToImageSource } from "../../import/pipeline/text-to-image-source.js";
import { openClip } from "../../import/transformers/open-clip.js";
import { datasetBatches, mixedOrder } from "../../metrics/batches.js";
import { ClipScore } from "../../metrics/clip-score.js";
import type { Evaluation } from "../../metrics/evaluate.js";
import { openFollowedJudge } from "../judge.js";
import { locateModel, shippedModel } from "../locate-model.js";
import { followLong } from "../long-work.js";
import { isModuleFile } from "../own-modules.js";
import { pipelineChoiceOf } from "../pipeline-choice.js";
import type { Progress } from "../progress.js";
import { promptsFrom } from "../prompts.js";
import { type Drawn, openDrawer } from "../sample-drawer.js";
import type { Shown } from "../samples/kinds.js";
import type { EvaluateSettings } from "../settings/sampling.js";
import { FIGURE_NAMES, shortNumber } from "../wording.js";
import { drawBatches } from "./judging.js";

/** The result of `disback evaluate`. */
export interface EvaluationResult {
  figures: Record<string, unknown>;
  table: string[][];
  /** lines that belong beside the figures */
  measuredWith: string[];
}

/** Compares a model's samples, or existing samples, with data and with their prompts. */
export async function evaluateModel(
  settings: EvaluateSettings,
  progress: Progress,
): Promise<EvaluationResult> {
  const device = settings.device as Device;
  const clip = settings.clip === undefined ? undefined : new ClipScore(await openClip(settings.clip), device);
  const samples = await openSamplesToJudge(settings, progress, clip);
  const judge = await openFollowedJudge(
    {
      ...settings,
      ...{ device, shown: samples.shown, prompted: samples.prompted },
      notice: (line) => progress.notice(line),
    },
    {
      decoding: followLong(progress, "decoding", "images"),
      reading: followLong(progress, "reading the data to judge by"),
    },
  );
  if (!judge && !clip) throw new DisbackError(`${settings.model}: nothing to compare with`);
  if (!judge && settings.metrics)
    throw new UsageError("--metrics: there is nothing to compare with (give --data)");
  progress.start("evaluating", samples.count, 0, "samples");
  const report = (done: number) => progress.update(done, {});
  const evaluation = await (judge
    ? judge.measure(samples.source, samples.count, settings.metrics ?? judge.applicable, report)
    : drawAll(samples, report)
  ).finally(() => progress.finish());
  if (clip && clip.cut > 0) progress.notice(`CLIP score: of ${clip.cut} prompts only the beginning is read`);
  const measured = { ...evaluation, ...(clip ? { clipScore: clip.score } : {}) };
  return {
    figures: { model: settings.model, ...measured, ...samples.figures },
    table: [["metric", "value"], ...rowsOf(measured)],
    measuredWith: [
      ...(judge ? [judge.describe(evaluation.samples)] : []),
      ...(clip
        ? [
            `CLIP score: mean of 100 max(cos, 0) of ${evaluation.samples.toLocaleString("en")} pictures and their prompts by ${settings.clip}; scores compare only within one CLIP`,
          ]
        : []),
    ],
  };
}

/** Draws without a comparison: the prompts are judged on the way. */
async function drawAll(
  { source, count }: SamplesToJudge,
  report: (done: number) => void,
): Promise<{ samples: number }> {
  let done = 0;
  for await (const batch of source.batches) {
    done += batch.shape[0]!;
    batch.dispose();
    report(done);
    if (done >= count) break;
  }
  return { samples: done };
}

interface SamplesToJudge {
  shown: Shown;
  prompted: boolean;
  count: number;
  source: { batches: AsyncIterable<Tensor> };
  figures: Record<string, number>;
}

async function openSamplesToJudge(
  settings: EvaluateSettings,
  progress: Progress,
  clip: ClipScore | undefined,
): Promise<SamplesToJudge> {
  if (isModel(settings.model)) {
    const { count, batchSize } = settings;
    // Of other models, it is the size of the data's pictures.
    const { resolution: _, ...rest } = settings;
    const drawer = await openDrawer(settings.model, {
      ...{ ...settings, prompts: await promptsFrom(settings), device: settings.device as Device },
      pipeline: pipelineChoiceOf(isTextToImageSource(settings.model) ? settings : rest),
    });
    for (const line of drawer.unread) progress.notice(line);
    const onBatch = clip && ((drawn: Drawn) => clip.add(drawn.samples, promptsOf(drawn, settings.model)));
    return {
      ...{ shown: drawer.shown, prompted: drawer.prompted },
      count,
      source: {
        batches: drawBatches(drawer, { samples: count, batchSize, onBatch }, async (done) => {
          progress.update(done, {});
          // Ctrl-C arrives only here: nothing does while libtorch computes.
          await new Promise(setImmediate);
        }),
      },
      figures: { evaluations: drawer.evaluations },
    };
  }
  const decoding = followLong(progress, "decoding", "images");
  const dataset = await openDataset(settings.model, {
    ...(settings.resolution === undefined ? {} : { resolution: settings.resolution }),
    labels: false,
    skipBroken: settings.skipBroken,
    onWarning: (line) => progress.notice(line),
    onProgress: decoding.report,
  }).finally(decoding.end);
  const count = Math.min(settings.count, dataset.length);
  const captions = clip && captionsInOrder(requireCaptions(dataset), count);
  const batches = datasetBatches(dataset, settings.batchSize, count);
  return {
    ...{ shown: { shownShape: dataset.sampleShape }, prompted: false },
    count,
    source: { batches: clip && captions ? judgedByCaptions(batches, captions, clip) : batches },
    figures: {},
  };
}

/** @throws UsageError if they were drawn without */
function promptsOf({ prompts }: Drawn, model: string): string[] {
  if (prompts) return prompts;
  throw new UsageError(`--clip: ${model} is not told a text, so its pictures have no prompts to fit`);
}

function captionsInOrder(captions: readonly string[], count: number): string[] {
  return mixedOrder(captions.length, count).map((place) => captions[place]!);
}

/** Existing pictures with their captions. @param captions in the order of the batches */
async function* judgedByCaptions(
  batches: AsyncIterable<Tensor>,
  captions: readonly string[],
  clip: ClipScore,
): AsyncGenerator<Tensor> {
  let done = 0;
  for await (const batch of batches) {
    const count = batch.shape[0]!;
    clip.add(batch, captions.slice(done, done + count));
    done += count;
    yield batch;
  }
}

/** Whether a path is a model rather than samples. */
function isModel(source: string): boolean {
  if (isModuleFile(source) || isTextToImageSource(source)) return true;
  if (!existsSync(source)) return !source.startsWith("toy:") || shippedModel(source) !== undefined;
  try {
    locateModel(source);
    return true;
  } catch {
    return existsSync(`${source}/run.json`);
  }
}

function rowsOf(evaluation: Partial<Evaluation> & { clipScore?: number }): string[][] {
  return Object.entries(FIGURE_NAMES).flatMap(([key, name]) => {
    const value = evaluation[key as keyof typeof evaluation];
    const spread = evaluation[`${key}Deviation` as keyof typeof evaluation];
    if (typeof value !== "number") return [];
    return [[name, shortNumber(value) + (typeof spread === "number" ? ` ± ${shortNumber(spread)}` : "")]];
  });
}
