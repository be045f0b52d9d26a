import { rmSync } from "node:fs";
import type { Device } from "@disback/torch";
import { EvenDistance } from "../../distill/node-selection.js";
import { Recording } from "../../distill/record.js";
import type { ConfiguredDenoiser } from "../../models/config.js";
import { type RecordSettings, recordSchema } from "../settings/distillation.js";
import { runStage } from "../train-loop.js";
import type { Job, JobContext, JobResult } from "./job.js";
import { generatorOf, makeStudent, openTeacher } from "./networks.js";

/** `record`: stage 1 alone. Leaves `trajectory/` in the run folder. */
export const recordingJob: Job<typeof recordSchema> = {
  command: "record",
  schema: recordSchema,
  async perform(settings, context): Promise<JobResult> {
    const device = settings.device as Device;
    const teacher = openTeacher(settings.teacher, { device, unconditional: settings.unconditional });
    const student = makeStudent(settings.student, teacher, settings.seed, device);
    const start = { iterationsBefore: 0, secondsBefore: 0, context };
    const { folder } = await recordTrajectory(settings, teacher, student, start);
    return { figures: { steps: settings.recording.steps }, table: [], places: [["trajectory", folder]] };
  },
};

/** Iterations between two lines of `metrics.jsonl` while recording: nothing is sampled, so often is cheap. */
const LOGGED_EVERY = 5;

/** Where a run is when its recording starts or goes on. */
export interface RecordingStart {
  /** Iterations and seconds of the run's earlier stages. */
  iterationsBefore: number;
  secondsBefore: number;
  context: JobContext;
}

/** Stage 1 inside any run. @returns the trajectory's folder and the run's seconds so far */
export async function recordTrajectory(
  settings: Omit<RecordSettings, "device" | "threads">,
  teacher: ConfiguredDenoiser,
  student: ConfiguredDenoiser,
  { iterationsBefore, secondsBefore, context }: RecordingStart,
): Promise<{ folder: string; seconds: number }> {
  const folder = context.run.file("trajectory");
  const resume = context.checkpoint !== undefined;
  // Killed before its first checkpoint: what is there is made again.
  if (!resume) rmSync(folder, { recursive: true, force: true });
  const {
    when: _,
    nodes,
    maximumNodes,
    storage,
    storageEnergy,
    storageRank,
    ...recording
  } = settings.recording;
  const work = new Recording({
    ...recording,
    ...(nodes === "even-distance" ? { selection: new EvenDistance({ maximum: maximumNodes }) } : {}),
    storage: {
      kind: storage,
      ...(storageEnergy === undefined ? {} : { energy: storageEnergy }),
      ...(storageRank === undefined ? {} : { maximumRank: storageRank }),
    },
    seed: settings.seed,
    teacher: teacher.denoiser,
    generator: generatorOf(student, settings),
    sigmaData: teacher.config.sigmaData,
    folder,
    resume,
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
    },
    {
      run: context.run,
      progress: context.progress,
      interruption: context.interruption,
      checkpoints: settings.checkpoints,
      iterationsBefore,
      secondsBefore,
    },
    context.checkpoint,
  );
  work.dispose();
  return { folder, seconds };
}
