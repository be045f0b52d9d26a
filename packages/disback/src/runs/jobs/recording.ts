import { rmSync } from "node:fs";
import type { Module } from "@disback/torch";
import { evenSteps } from "../../distill/node-schedule.js";
import { EvenDistance } from "../../distill/node-selection.js";
import { Recording } from "../../distill/record.js";
import type { RecordingOptions } from "../../distill/recording-options.js";
import { deviceOf, type Student } from "../../distill/student.js";
import { kindOf } from "../../distill/student-kind.js";
import { teacherSamples } from "../../distill/teacher-samples.js";
import { TrustRegion } from "../../distill/trust-region.js";
import { DisbackError } from "../../errors.js";
import { DenoiserModule } from "../../models/denoiser.js";
import type { RecordSettings } from "../settings/distillation.js";
import { runStage } from "../stage-loop.js";
import { fitOf, noiseOf } from "./fit.js";
import type { JobContext } from "./job.js";
import { type Networks, studentOf } from "./networks.js";
import { examination, executionOf, sessionOf } from "./session.js";

/** Iterations between two lines of `metrics.jsonl` while recording. Small, because nothing is sampled. */
const LOGGED_EVERY = 5;

/** The state of a run when its recording starts or resumes. */
export interface RecordingStart {
  /** Iterations and seconds of the run's earlier stages. */
  iterationsBefore: number;
  secondsBefore: number;
  context: JobContext;
}

/** A trajectory's folder, and the run's seconds at its end. */
export interface RecordedPath {
  folder: string;
  seconds: number;
}

/** Stage 1 inside any run. */
export async function recordTrajectory(
  settings: RecordSettings,
  { teacher, student: made }: Networks,
  { iterationsBefore, secondsBefore, context }: RecordingStart,
): Promise<RecordedPath> {
  const { processes } = context;
  const folder = context.run.file("trajectory");
  const resume = context.checkpoint !== undefined;
  // The run was killed before its first checkpoint, so existing files are made again.
  if (!resume && processes.leads) rmSync(folder, { recursive: true, force: true });
  const student = studentOf(made, settings);
  const { module } = teacher;
  const work = new Recording({
    ...optionsOf(settings),
    ...{
      teacher: module,
      fit: fitOf(module, noiseOf(settings.recording)),
      teacherSamples: samplesOf(settings, module, student),
      student,
      folder,
      resume,
      execution: executionOf(settings, context),
    },
    provenance: {
      teacher: settings.teacher,
      unconditional: settings.unconditional,
      student: settings.student,
      generator: kindOf(student),
    },
  });
  const seconds = await runStage(
    {
      name: "record",
      work,
      iterations: settings.recording.steps,
      imagesPerIteration: settings.recording.batchSize,
      evaluateEvery: LOGGED_EVERY,
      examine: () => examination(work.networks, { facts: student.facts, device: deviceOf(student) }),
    },
    { ...sessionOf(settings, context), iterationsBefore, secondsBefore },
    context.checkpoint,
  );
  work.dispose();
  // Waits until the last node exists for all processes.
  await processes.first(() => {});
  return { folder, seconds };
}

/** The teacher's samples, if it is recorded along them. */
function samplesOf({ recording, seed }: RecordSettings, teacher: Module, student: Student) {
  const { teacherSamples: count } = recording;
  if (count === undefined) return undefined;
  if (!(teacher instanceof DenoiserModule))
    throw new DisbackError('"recording.teacherSamples": needs a diffusion model as the teacher');
  return teacherSamples(teacher, student, { count, seed });
}

/** The recording's options from the settings. */
function optionsOf({ recording, ablation }: RecordSettings) {
  const { steps, batchSize, learningRate, rank, nodes, interval, nodeSteps, maximumNodes, nodeCount } =
    recording;
  const { storageEnergy, storageRank } = recording;
  const kind = ablation?.storage ?? recording.storage;
  return {
    steps,
    batchSize,
    learningRate,
    rank,
    nodes:
      nodes === "even-steps"
        ? (nodeSteps ?? evenSteps(steps, interval))
        : nodeCount === undefined
          ? new EvenDistance({ maximum: maximumNodes })
          : new TrustRegion(nodeCount),
    ...(kind === undefined
      ? {}
      : {
          storage: {
            kind,
            ...(storageEnergy === undefined ? {} : { energy: storageEnergy }),
            ...(storageRank === undefined ? {} : { maximumRank: storageRank }),
          },
        }),
  } satisfies Partial<RecordingOptions>;
}
