import { createHash } from "node:crypto";
import { fingerprint } from "../../training/hashing.js";
import type { RecordSettings } from "../settings/distillation.js";
import { Interrupted } from "../stage.js";
import { TrajectoryStore } from "../trajectory-store.js";
import type { Networks } from "./networks.js";
import { type RecordedPath, type RecordingStart, recordTrajectory } from "./recording.js";

/**
 * Stage 1 inside any run, done once for all runs that share trajectories and would record the same. The others reuse
 * it, and its cost counts for them as if they had recorded it.
 *
 * @throws Interrupted after a signal, also while waiting for another run's recording
 */
export async function shareRecording(
  settings: RecordSettings,
  networks: Networks,
  start: RecordingStart,
): Promise<RecordedPath> {
  const { context, secondsBefore } = start;
  const { run, progress, interruption, trajectories } = context;
  if (trajectories === undefined) return recordTrajectory(settings, networks, start);
  const store = new TrajectoryStore(trajectories);
  const key = recordingKey(settings, networks);
  const recorded = await store.alone(
    key,
    {
      stopped: () => interruption.requested,
      waiting: () => progress.notice("another run is recording the same trajectory: waiting for it"),
    },
    async () => {
      const folder = run.file("trajectory");
      // An interrupted recording resumes independently.
      const taken = context.checkpoint ? undefined : store.take(key, folder);
      if (taken) {
        for (const entry of taken.entries)
          run.metrics.append({ ...entry, seconds: entry.seconds + secondsBefore });
        progress.notice("the trajectory was recorded by another run; its cost is counted");
        return { folder, seconds: secondsBefore + taken.seconds };
      }
      const own = await recordTrajectory(settings, networks, start);
      const entries = run.metrics.read().filter((entry) => entry.stage === "record");
      store.give(key, folder, {
        seconds: own.seconds - secondsBefore,
        entries: entries.map((entry) => ({ ...entry, seconds: entry.seconds - secondsBefore })),
      });
      return own;
    },
  );
  if (!recorded)
    throw new Interrupted(
      `stopped while waiting for a trajectory; continue with: ${run.resumeCommand}`,
      interruption.exitCode,
    );
  return recorded;
}

/** A key of everything that determines a recording, bit for bit. */
function recordingKey(settings: RecordSettings, { teacher, student }: Networks): string {
  const { recording, ablation } = settings;
  const { precision, tf32, memoryFormat, activationCheckpointing, microBatch } = settings;
  const { seed, device, threads, sigmaInit, studentSteps, studentSigmas } = settings;
  const facts = {
    ...{ teacher: fingerprint(teacher.module), teacherConfig: teacher.config },
    ...{ student: fingerprint(student.module), studentConfig: student.config },
    // The pictures that an autoencoder's halves see.
    ...(student.drawLatents ? { data: (settings as { data?: string }).data } : {}),
    ...{ precision, tf32, memoryFormat, activationCheckpointing, microBatch },
    ...{
      recording,
      storage: ablation?.storage,
      seed,
      device,
      threads,
      sigmaInit,
      studentSteps,
      studentSigmas,
    },
  };
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 32);
}
