import { existsSync } from "node:fs";
import type { Device, Tensor } from "@disback/torch";
import { openDataset } from "../../data/dataset.js";
import { DisbackError } from "../../errors.js";
import { isTextToImageSource } from "../../import/pipeline/text-to-image-source.js";
import { datasetBatches } from "../../metrics/batches.js";
import type { Evaluation } from "../../metrics/evaluate.js";
import { Judge } from "../judge.js";
import { locateModel, shippedModel } from "../locate-model.js";
import { followLong } from "../long-work.js";
import { isModuleFile } from "../own-modules.js";
import { pipelineChoiceOf } from "../pipeline-choice.js";
import type { Progress } from "../progress.js";
import { promptsFrom } from "../prompts.js";
import { openDrawer } from "../sample-drawer.js";
import type { Shown } from "../samples/kinds.js";
import type { EvaluateSettings } from "../settings/sampling.js";
import { FIGURE_NAMES, shortNumber } from "../wording.js";
import { drawBatches } from "./judging.js";

/** The result of `disback evaluate`. */
export interface EvaluationResult {
  figures: Record<string, unknown>;
  table: string[][];
  measuredWith: string;
}

/** Compares a model's samples, or existing samples, with data. */
export async function evaluateModel(
  settings: EvaluateSettings,
  progress: Progress,
): Promise<EvaluationResult> {
  const samples = await openSamplesToJudge(settings, progress);
  const decoding = followLong(progress, "decoding", "images");
  const reading = followLong(progress, "reading the data to judge by");
  const judge = await Judge.open({
    ...settings,
    device: settings.device as Device,
    shown: samples.shown,
    notice: (line) => progress.notice(line),
    onDecoding: decoding.report,
    onReading: async (done, total) => {
      decoding.end();
      await reading.report(done, total);
    },
  }).finally(() => {
    decoding.end();
    reading.end();
  });
  if (!judge) throw new DisbackError(`${settings.model}: nothing to compare with`);
  const metrics = settings.metrics ?? judge.applicable;
  progress.start("evaluating", samples.count, 0, "samples");
  const evaluation = await judge
    .measure(samples.source, samples.count, metrics, (done) => progress.update(done, {}))
    .finally(() => progress.finish());
  return {
    figures: { model: settings.model, ...evaluation, ...samples.figures },
    table: [["metric", "value"], ...rowsOf(evaluation)],
    measuredWith: judge.describe(evaluation.samples),
  };
}

interface SamplesToJudge {
  shown: Shown;
  count: number;
  source: { batches: AsyncIterable<Tensor> };
  figures: Record<string, number>;
}

async function openSamplesToJudge(settings: EvaluateSettings, progress: Progress): Promise<SamplesToJudge> {
  if (isModel(settings.model)) {
    const { count, batchSize } = settings;
    // Of other models, it is the size of the data's pictures.
    const { resolution: _, ...rest } = settings;
    const drawer = await openDrawer(settings.model, {
      ...{ ...settings, prompts: await promptsFrom(settings), device: settings.device as Device },
      pipeline: pipelineChoiceOf(isTextToImageSource(settings.model) ? settings : rest),
    });
    return {
      shown: drawer.shown,
      count,
      source: {
        batches: drawBatches(drawer, { samples: count, batchSize }, async (done) => {
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
  return {
    shown: { shownShape: dataset.sampleShape },
    count,
    source: { batches: datasetBatches(dataset, settings.batchSize, count) },
    figures: {},
  };
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

function rowsOf(evaluation: Evaluation): string[][] {
  return Object.entries(FIGURE_NAMES).flatMap(([key, name]) => {
    const value = evaluation[key as keyof Evaluation];
    const spread = evaluation[`${key}Deviation` as keyof Evaluation];
    if (typeof value !== "number") return [];
    return [[name, shortNumber(value) + (typeof spread === "number" ? ` ± ${shortNumber(spread)}` : "")]];
  });
}
