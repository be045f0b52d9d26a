import { existsSync } from "node:fs";
import type { Device, Tensor } from "@disback/torch";
import { openDataset } from "../../data/dataset.js";
import { DisbackError } from "../../errors.js";
import { datasetBatches } from "../../metrics/batches.js";
import type { Evaluation } from "../../metrics/evaluate.js";
import { openJudge } from "../judge.js";
import { locateModel, shippedTeachers } from "../locate-model.js";
import { isModuleFile } from "../own-modules.js";
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
  let isReading = false;
  const judge = await openJudge({
    ...settings,
    device: settings.device as Device,
    shown: samples.shown,
    notice: (line) => progress.notice(line),
    onReading: (done, total) => {
      if (!isReading) progress.start("reading the data to judge by", total, 0, "samples");
      isReading = true;
      progress.update(done, {});
    },
  });
  if (isReading) progress.finish();
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
    const drawer = await openDrawer(settings.model, {
      ...{ ...settings, prompts: await promptsFrom(settings), device: settings.device as Device },
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
  const dataset = await openDataset(settings.model, {
    ...(settings.resolution === undefined ? {} : { resolution: settings.resolution }),
    labels: false,
    skipBroken: settings.skipBroken,
    onWarning: (line) => progress.notice(line),
  });
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
  if (isModuleFile(source)) return true;
  if (!existsSync(source)) return !source.startsWith("toy:") || shippedTeachers().includes(source);
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
