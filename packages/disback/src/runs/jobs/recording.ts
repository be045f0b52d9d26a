import { rmSync } from "node:fs";
import { EvenDistance } from "../../distill/node-selection.js";
import { Recording } from "../../distill/record.js";
import type { ConfiguredDenoiser } from "../../models/config.js";
import type { RecordSettings } from "../settings/distillation.js";
import { runStage } from "../train-loop.js";
import type { JobContext } from "./job.js";
import { generatorOf } from "./networks.js";
import { examination, sessionOf } from "./session.js";

/** Iterations between two lines of `metrics.jsonl` while recording: nothing is sampled, so often is cheap. */
const LOGGED_EVERY = 5;

/** Where a run is when its recording starts or goes on. */
export interface RecordingStart {
  /** Iterations and seconds of the run's earlier stages. */
  iterationsBefore: number;
  secondsBefore: number;
  context: JobContext;
}

/** A trajectory's folder, and the run's seconds when it was there. */
export interface RecordedPath {
  folder: string;
  seconds: number;
}

/** Stage 1 inside any run. */
export async function recordTrajectory(
  settings: RecordSettings,
  teacher: ConfiguredDenoiser,
  student: ConfiguredDenoiser,
  { iterationsBefore, secondsBefore, context }: RecordingStart,
): Promise<RecordedPath> {
  const { processes } = context;
  const folder = context.run.file("trajectory");
  const resume = context.checkpoint !== undefined;
  // Killed before its first checkpoint: what is there is made again.
  if (!resume && processes.leads) rmSync(folder, { recursive: true, force: true });
  const {
    when: _,
    nodes,
    maximumNodes,
    storage,
    storageEnergy,
    storageRank,
    ...recording
  } = settings.recording;
  const generator = generatorOf(student, settings);
  const work = new Recording({
    ...recording,
    microBatch: settings.microBatch,
    graphs: settings.cudaGraphs,
    ...(nodes === "even-distance" ? { selection: new EvenDistance({ maximum: maximumNodes }) } : {}),
    storage: {
      kind: storage,
      ...(storageEnergy === undefined ? {} : { energy: storageEnergy }),
      ...(storageRank === undefined ? {} : { maximumRank: storageRank }),
    },
    seed: settings.seed,
    teacher: teacher.denoiser,
    generator,
    sigmaData: teacher.config.sigmaData,
    folder,
    resume,
    processes,
    provenance: {
      teacher: settings.teacher,
      unconditional: settings.unconditional,
      student: settings.student,
    },
  });
  const seconds = await runStage(
    {
      name: "record",
      label: "recording",
      work,
      iterations: settings.recording.steps,
      imagesPerIteration: settings.recording.batchSize,
      evaluateEvery: LOGGED_EVERY,
      positions: ["learningRate"],
      examine: () => examination(work.networks, generator, teacher.config.sigmaData),
    },
    { ...sessionOf(settings, context), iterationsBefore, secondsBefore },
    context.checkpoint,
  );
  work.dispose();
  // The last node is there for all.
  await processes.first(() => {});
  return { folder, seconds };
}
