import { type Device, Generator } from "@disback/torch";
import { openDataset } from "../../data/dataset.js";
import { DisbackError } from "../../errors.js";
import { createDenoiser, type DenoiserConfig, sampleShape, saveModel } from "../../models/config.js";
import { TeacherTraining } from "../../teacher/training.js";
import { Judge } from "../judge.js";
import { teacherDrawer } from "../sample-drawer.js";
import { type TeacherSettings, teacherSchema } from "../settings/teacher.js";
import { runStage } from "../train-loop.js";
import { FIGURE_NAMES, shortNumber } from "../wording.js";
import type { Job, JobContext, JobResult } from "./job.js";
import { drawingOptions, drawPicture, judgeDrawer } from "./judging.js";

/** `teacher train`: a diffusion model from data. Leaves `teacher/` in the run folder. */
export const teacherJob: Job<typeof teacherSchema> = {
  command: "teacher train",
  schema: teacherSchema,
  perform: trainTeacher,
};

async function trainTeacher(settings: TeacherSettings, context: JobContext): Promise<JobResult> {
  const { run, progress } = context;
  const device = settings.device as Device;
  const { config, dataset } = await modelForData(settings, (line) => progress.notice(line));
  const denoiser = createDenoiser(config, { generator: new Generator(settings.seed) }).to({ device });
  const training = new TeacherTraining({ ...settings.training, denoiser, dataset, seed: settings.seed });
  const { evaluation } = settings;
  const judge = await Judge.open({
    ...evaluation,
    sampleShape: dataset.sampleShape,
    device,
    data: evaluation.reference ?? settings.data,
    resolution: settings.resolution,
    skipBroken: settings.skipBroken,
    notice: (line) => progress.notice(line),
  });
  const drawer = () =>
    teacherDrawer(training.average, config, {
      ...drawingOptions(evaluation, device),
      steps: evaluation.teacherSteps,
    });

  let last: Record<string, number | undefined> = {};
  await runStage(
    {
      name: "teacher",
      label: "training the teacher",
      work: training,
      iterations: settings.training.iterations,
      imagesPerIteration: settings.training.batchSize,
      evaluateEvery: evaluation.every,
      positions: ["learningRate"],
      evaluate: async (iteration) => {
        await drawPicture(run.samplePath("teacher", iteration), drawer(), evaluation.grid);
        last = judge ? await judgeDrawer(judge, drawer(), evaluation.samples) : {};
        return last;
      },
    },
    {
      run,
      progress,
      interruption: context.interruption,
      checkpoints: settings.checkpoints,
      iterationsBefore: 0,
      secondsBefore: 0,
    },
    context.checkpoint,
  );
  const folder = run.file("teacher");
  saveModel(folder, training.average, config);
  return {
    figures: { ...last, ...(judge ? { measuredWith: judge.describe(evaluation.samples) } : {}) },
    table:
      Object.keys(last).length > 0
        ? [
            ["figure", "value"],
            ...Object.entries(last).map(([name, value]) => [FIGURE_NAMES[name] ?? name, shortNumber(value!)]),
          ]
        : [],
    places: [["teacher", folder]],
  };
}

/** Opens the data at the model's size, and gives the model the data's classes. */
async function modelForData(settings: TeacherSettings, notice: (line: string) => void) {
  const model = settings.model as DenoiserConfig;
  const shape = sampleShape(model);
  const dataset = await openDataset(settings.data, {
    ...(shape.length === 3
      ? { resolution: settings.resolution ?? shape[1]!, channels: shape[0] as 1 | 3 }
      : {}),
    labels: settings.conditional,
    skipBroken: settings.skipBroken,
    onWarning: notice,
  });
  if (dataset.sampleShape.join() !== shape.join()) {
    throw new DisbackError(
      `"model": makes samples [${shape.join(", ")}], those of ${dataset.name} are [${dataset.sampleShape.join(", ")}]`,
    );
  }
  if (settings.conditional && dataset.labelDim === 0) {
    throw new DisbackError(`"conditional": ${dataset.name} has no classes`);
  }
  return { dataset, config: { ...model, labelDim: dataset.labelDim } };
}
