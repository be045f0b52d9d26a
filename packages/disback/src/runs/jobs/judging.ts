import { dirname, join } from "node:path";
import { promptsFile } from "@disback/studio/pages";
import { type Device, scope, type Tensor } from "@disback/torch";
import type { z } from "zod";
import type { Evaluation } from "../../metrics/evaluate.js";
import { isPrompted } from "../../models/facts.js";
import type { Processes } from "../../training/processes.js";
import { writeFileAtomically } from "../atomic-file.js";
import { openFollowedJudge, type SampleJudge } from "../judge.js";
import { type Between, showWhenLong } from "../long-work.js";
import type { OpenedModel } from "../opened-model.js";
import type { DrawingOptions, Drawn, SampleDrawer, ShownDrawer } from "../sample-drawer.js";
import type { evaluationSettings } from "../settings/common.js";
import type { JobContext } from "./job.js";

export type EvaluationSettings = z.output<typeof evaluationSettings>;

/** The judge of a training's samples; `undefined` if there is nothing to compare with. */
export async function openTrainingJudge(
  settings: {
    evaluation: EvaluationSettings;
    device: string;
    data?: string | undefined;
    resolution?: number | undefined;
    skipBroken: boolean;
  },
  { codec, facts }: Pick<OpenedModel, "codec" | "facts">,
  context: JobContext,
): Promise<SampleJudge | undefined> {
  const { progress, processes } = context;
  const { evaluation, device, data, resolution, skipBroken } = settings;
  const open = () =>
    openFollowedJudge(
      {
        ...evaluation,
        shown: codec,
        prompted: isPrompted(facts),
        device: device as Device,
        data: evaluation.reference ?? data,
        resolution,
        skipBroken,
        notice: (line) => progress.notice(line),
      },
      {
        decoding: showWhenLong(context, "decoding", "images"),
        reading: showWhenLong(context, "reading the data to judge by"),
      },
    );
  // The first process caches the reference statistics for the others.
  let judge: SampleJudge | undefined;
  await processes.first(async () => {
    judge = await open();
  });
  return processes.leads ? judge : open();
}

/** How the teacher is sampled for evaluation and for display beside the student. */
export function drawingOptions(
  evaluation: EvaluationSettings,
  device: Device,
): DrawingOptions & { steps: number } {
  return {
    seed: evaluation.seed,
    device,
    steps: evaluation.teacherSteps,
    sampler: "heun",
    sigmaMin: 0.002,
    sigmaMax: 80,
    rho: 7,
  };
}

/** The numbers of an evaluation as in `metrics.jsonl`. */
function figuresOf(evaluation: Evaluation): Record<string, number> {
  const { samples: _, ...rest } = evaluation;
  return Object.fromEntries(
    Object.entries(rest).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
  );
}

/** Figures of a drawer's samples, and how fast it draws: samples per second of its best batch, by one process. */
export interface Judged {
  figures: Record<string, number>;
  rate?: number;
}

/** Evaluates a drawer's samples by the headline figures. Each process draws a part. */
export async function judgeDrawer(
  judge: SampleJudge,
  drawer: SampleDrawer,
  { samples, batchSize }: { samples: number; batchSize: number },
  { group }: Processes,
  between: Between,
): Promise<Judged> {
  if (group) {
    const generate = (count: number) => drawer.draw(count).samples;
    const skip = (count: number) => drawer.skip(count);
    const source = { generate, skip, group };
    return { figures: figuresOf(await judge.measure(source, samples, judge.headline, between)) };
  }
  const clock = { rate: 0 };
  const batches = drawBatches(drawer, { samples, batchSize }, between, clock);
  return { figures: figuresOf(await judge.measure({ batches }, samples, judge.headline, between)), ...clock };
}

/** Batches of samples; `clock` gets the rate of the fastest, `onBatch` each with its prompts. */
export async function* drawBatches(
  drawer: SampleDrawer,
  {
    samples,
    batchSize,
    onBatch,
  }: { samples: number; batchSize: number; onBatch?: ((drawn: Drawn) => void) | undefined },
  between: Between,
  clock = { rate: 0 },
): AsyncGenerator<Tensor> {
  for (let done = 0; done < samples; done += batchSize) {
    const size = Math.min(batchSize, samples - done);
    const began = performance.now();
    const drawn = await drawer.drawInParts(size, (part) => between(done + part));
    waitFor(drawn.samples);
    clock.rate = Math.max(clock.rate, (1000 * size) / (performance.now() - began));
    onBatch?.(drawn);
    yield drawn.samples;
  }
}

/** Reading a value waits for asynchronous devices. */
export function waitFor(samples: Tensor): void {
  scope(() => samples.flatten().select(0, 0).item());
}

/** With fewer samples, their spread is not reliable. */
const ENOUGH = 8;

/**
 * Draws samples and writes them as a picture with its side files: points, and the prompts that they show.
 *
 * @returns `spread`: the samples' standard deviation over the batch, NaN if they are not finite (then there is no
 *   picture), absent for very few samples
 */
export async function drawPicture(
  path: string,
  drawer: ShownDrawer,
  count: number,
  between: Between,
): Promise<{ spread?: number }> {
  const { samples, prompts: captions } = await drawer.drawInParts(count, between);
  try {
    const spread = spreadOf(samples);
    if (Number.isNaN(spread)) return { spread };
    await drawer.kind.draw(path, samples, { captions });
    await drawer.kind.drawBeside?.(path, samples);
    if (captions) writeFileAtomically(join(dirname(path), promptsFile), JSON.stringify(captions));
    return count < ENOUGH ? {} : { spread };
  } finally {
    samples.dispose();
  }
}

/** Root of the mean variance over the batch: 0 if all samples are equal. */
function spreadOf(samples: Tensor): number {
  return scope(() => {
    const differences = samples.sub(samples.mean([0], true));
    const spread = differences.square().mean().sqrt().item();
    return Number.isFinite(spread) ? spread : Number.NaN;
  });
}
