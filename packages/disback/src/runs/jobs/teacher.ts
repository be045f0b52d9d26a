import { type Device, Generator } from "@disback/torch";
import { computing } from "../../models/computation.js";
import { DenoiserModule } from "../../models/denoiser.js";
import { TeacherTraining } from "../../teacher/training.js";
import { BEST_BY, keepBestModel } from "../best-model.js";
import { computationOf } from "../computation.js";
import { besideStage, whileDecoding } from "../long-work.js";
import { requireSameData } from "../run-data.js";
import { decodedDrawer, samplerOf } from "../sample-drawer.js";
import { kindOfSamples } from "../samples/kinds.js";
import { type TeacherSettings, teacherSchema } from "../settings/teacher.js";
import { runStage } from "../stage-loop.js";
import type { BestSoFar } from "../stage-position.js";
import { FIGURE_NAMES, shortNumber } from "../wording.js";
import type { Job, JobContext, JobResult } from "./job.js";
import { drawingOptions, drawPicture, judgeDrawer, openTrainingJudge } from "./judging.js";
import { examination, executionOf, sessionOf } from "./session.js";
import { planTeacher } from "./teacher-plan.js";

/** `teacher train`: a diffusion model from data. Writes `teacher/` in the run folder. */
export const teacherJob: Job<typeof teacherSchema> = {
  command: "teacher train",
  schema: teacherSchema,
  perform: trainTeacher,
};

async function trainTeacher(given: TeacherSettings, context: JobContext): Promise<JobResult> {
  const { run, progress, processes } = context;
  const device = given.device as Device;
  const notice = (line: string) => progress.notice(line);
  const { settings, codec, dataset, make, fit } = await whileDecoding(context, (onDecoding) =>
    planTeacher(given, { notice, onDecoding }),
  );
  // What was chosen is stored in the run, so that a resumed run uses it.
  run.update({ settings: { ...settings } });
  if (processes.leads) await requireSameData(run, settings.data, dataset, context.otherData);
  const model = make(new Generator(settings.seed));
  const { module, facts } = model;
  module.to({ device });
  if (module instanceof DenoiserModule) computing(module, computationOf(settings));
  const training = new TeacherTraining({
    ...settings.training,
    ...{ denoiser: module, fit, dataset, execution: executionOf(settings, context) },
  });
  const { evaluation } = settings;
  const judge = await openTrainingJudge(settings, { codec, facts }, context);
  const drawer = () =>
    decodedDrawer(
      samplerOf({ ...model, module: training.average }, drawingOptions(evaluation, device)),
      codec,
    );

  // What an autoencoder reconstructs, in the same order.
  if (model.drawLatents && processes.leads) {
    const originals = model.drawLatents(evaluation.grid, new Generator(evaluation.seed, device));
    await kindOfSamples(codec).draw(run.file("samples", "reference.png"), originals);
  }
  const save = (folder: string) => model.save(folder, training.average);
  const keepBest = (best: BestSoFar) => keepBestModel(run, "teacher-best", best, save);
  let last: Record<string, number | undefined> = {};
  await runStage(
    {
      name: "teacher",
      work: training,
      iterations: settings.training.iterations,
      imagesPerIteration: settings.training.batchSize,
      evaluateEvery: evaluation.every,
      evaluate: async (iteration) => {
        const path = run.samplePath("teacher", iteration);
        const drawing = besideStage(context, "drawing", evaluation.grid);
        const drawn = await processes.first(() => drawPicture(path, drawer(), evaluation.grid, drawing));
        if (Number.isNaN(drawn.spread)) return drawn;
        const judging = besideStage(context, "judging", evaluation.samples);
        last = judge ? (await judgeDrawer(judge, drawer(), evaluation, processes, judging)).figures : {};
        return { ...last, ...drawn };
      },
      sigmaData: facts.sigmaData,
      examine: () => examination(training.networks, { facts, device }),
      ...(settings.checkpoints.keepBest ? { best: { figures: BEST_BY, keep: keepBest } } : {}),
    },
    { ...sessionOf(settings, context), iterationsBefore: 0, secondsBefore: 0 },
    context.checkpoint,
  );
  const folder = run.file("teacher");
  if (processes.leads) save(folder);
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
