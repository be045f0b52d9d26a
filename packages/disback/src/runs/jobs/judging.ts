import { type Device, scope, type Tensor } from "@disback/torch";
import type { z } from "zod";
import type { Evaluation } from "../../metrics/evaluate.js";
import type { Processes } from "../../training/processes.js";
import { Judge } from "../judge.js";
import type { OpenedModel } from "../opened-model.js";
import type { DrawingOptions, SampleDrawer, ShownDrawer } from "../sample-drawer.js";
import type { evaluationSettings } from "../settings/common.js";
import type { JobContext } from "./job.js";

export type EvaluationSettings = z.output<typeof evaluationSettings>;

/** What judges the samples of a training, whatever is trained; `undefined` when there is nothing to compare with. */
export async function openTrainingJudge(
  settings: {
    evaluation: EvaluationSettings;
    device: string;
    data?: string | undefined;
    resolution?: number | undefined;
    skipBroken: boolean;
  },
  codec: OpenedModel["codec"],
  { progress, processes }: Pick<JobContext, "progress" | "processes">,
): Promise<Judge | undefined> {
  const { evaluation, device, data, resolution, skipBroken } = settings;
  const open = () =>
    Judge.open({
      ...evaluation,
      shown: codec,
      device: device as Device,
      data: evaluation.reference ?? data,
      resolution,
      skipBroken,
      notice: (line) => progress.notice(line),
    });
  // The first to open it leaves the reference's statistics where the others find them.
  let judge: Judge | undefined;
  await processes.first(async () => {
    judge = await open();
  });
  return processes.leads ? judge : open();
}

/** How the teacher is sampled when it is judged, or shown beside the student. */
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

/** The numbers of an evaluation as they stand in `metrics.jsonl`. */
function figuresOf(evaluation: Evaluation): Record<string, number> {
  const { samples: _, ...rest } = evaluation;
  return Object.fromEntries(
    Object.entries(rest).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
  );
}

/** Judges what a drawer draws by the headline figures; processes draw a part of it each. */
export async function judgeDrawer(
  judge: Judge,
  drawer: SampleDrawer,
  samples: number,
  { group }: Processes,
  onProgress?: (done: number) => void,
): Promise<Record<string, number>> {
  const generate = (count: number) => drawer.draw(count).samples;
  const skip = (count: number) => drawer.skip(count);
  const source = { generate, ...(group ? { group, skip } : {}) };
  return figuresOf(await judge.measure(source, samples, judge.headline, onProgress));
}

/** With fewer samples than this their spread says little. */
const ENOUGH = 8;

/**
 * Draws samples and writes them as a picture, and what belongs beside it.
 *
 * @returns `spread`: the samples' standard deviation over the batch, NaN when they are not finite (then there is no
 * picture), left out for a handful
 */
export async function drawPicture(
  path: string,
  drawer: ShownDrawer,
  count: number,
): Promise<{ spread?: number }> {
  const { samples } = drawer.draw(count);
  try {
    const spread = spreadOf(samples);
    if (Number.isNaN(spread)) return { spread };
    await drawer.kind.draw(path, samples);
    await drawer.kind.drawBeside?.(path, samples);
    return count < ENOUGH ? {} : { spread };
  } finally {
    samples.dispose();
  }
}

/** Root mean variance over the batch: 0 when all samples are alike. */
function spreadOf(samples: Tensor): number {
  return scope(() => {
    const differences = samples.sub(samples.mean([0], true));
    const spread = differences.square().mean().sqrt().item();
    return Number.isFinite(spread) ? spread : Number.NaN;
  });
}
