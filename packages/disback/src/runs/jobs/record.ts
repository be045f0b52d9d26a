import { Trajectory } from "../../distill/trajectory.js";
import { recordSchema } from "../settings/distillation.js";
import type { Job, JobResult } from "./job.js";
import { tellMemoryNeeds } from "./memory-line.js";
import { openNetworks, studentOf } from "./networks.js";
import { shareRecording } from "./shared-recording.js";

/** `record`: stage 1 alone. Writes `trajectory/` in the run folder. */
export const recordingJob: Job<typeof recordSchema> = {
  command: "record",
  schema: recordSchema,
  async perform(settings, context): Promise<JobResult> {
    const networks = await openNetworks(settings, (line) => context.progress.notice(line));
    const told = { teacher: networks.teacher, student: studentOf(networks.student, settings) };
    tellMemoryNeeds(settings, told, { auxiliary: true, nodes: false }, context);
    const start = { iterationsBefore: 0, secondsBefore: 0, context };
    const { folder } = await shareRecording(settings, networks, start);
    const { nodes } = Trajectory.open(folder);
    const bytes = nodes.reduce((sum, node) => sum + (node.bytes ?? 0), 0);
    return {
      figures: { steps: nodes.at(-1)!.step, nodes: nodes.length, bytes },
      table: [],
      places: [["trajectory", folder]],
    };
  },
};
