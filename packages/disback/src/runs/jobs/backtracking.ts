import { existsSync } from "node:fs";
import { join } from "node:path";
import { backtrackSchema } from "../settings/distillation.js";
import type { Job } from "./job.js";
import { tellMemoryNeeds } from "./memory-line.js";
import { openNetworks, studentOf } from "./networks.js";
import { trainStudent } from "./student-stage.js";

/** `backtrack`: stage 2 on an existing trajectory. Writes `student/` in the run folder. */
export const backtrackingJob: Job<typeof backtrackSchema> = {
  command: "backtrack",
  schema: backtrackSchema,
  async perform(settings, context) {
    const networks = await openNetworks(settings);
    const trajectory = locateTrajectory(settings.trajectory);
    const told = { teacher: networks.teacher, student: studentOf(networks.student, settings) };
    tellMemoryNeeds(settings, told, { auxiliary: true, nodes: true }, context);
    return trainStudent(settings, { networks, trajectory, iterationsBefore: 0, secondsBefore: 0 }, context);
  },
};

/** The folder itself, or the trajectory inside a run. */
function locateTrajectory(source: string): string {
  const inside = join(source, "trajectory");
  return existsSync(inside) ? inside : source;
}
