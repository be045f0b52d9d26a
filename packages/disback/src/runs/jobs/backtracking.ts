import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { checkpointTrajectory } from "../../distill/checkpoint-trajectory.js";
import { type BacktrackSettings, backtrackSchema } from "../settings/distillation.js";
import { teacherCheckpoints } from "../teacher-checkpoints.js";
import { fitOf } from "./fit.js";
import type { Job, JobContext } from "./job.js";
import { tellMemoryNeeds } from "./memory-line.js";
import { type Networks, openNetworks, studentOf } from "./networks.js";
import { trainStudent } from "./student-stage.js";

/** `backtrack`: stage 2 on an existing trajectory, or on a teacher's checkpoints. Writes `student/` in the run folder. */
export const backtrackingJob: Job<typeof backtrackSchema> = {
  command: "backtrack",
  schema: backtrackSchema,
  async perform(settings, context) {
    const networks = await openNetworks(settings, (line) => context.progress.notice(line));
    const trajectory = openTrajectory(settings, networks, context);
    const told = { teacher: networks.teacher, student: studentOf(networks.student, settings) };
    tellMemoryNeeds(settings, told, { auxiliary: true, nodes: true }, context);
    return trainStudent(settings, { networks, trajectory, iterationsBefore: 0, secondsBefore: 0 }, context);
  },
};

/** The folder itself, the trajectory inside a run, or one made in this run of the teacher's checkpoints. */
function openTrajectory(
  settings: BacktrackSettings,
  networks: Networks,
  { run, processes, progress, checkpoint }: JobContext,
): string {
  const { trajectory: source, teacher, seed } = settings;
  if (existsSync(join(source, "trajectory"))) return join(source, "trajectory");
  if (existsSync(join(source, "trajectory.json"))) return source;
  const folder = run.file("trajectory");
  if (checkpoint) return folder;
  const checkpoints = teacherCheckpoints(source);
  if (!checkpoints) return source;
  if (processes.leads) rmSync(folder, { recursive: true, force: true });
  const { module } = networks.teacher;
  const { nodes } = checkpointTrajectory({
    ...{ teacher: module, fit: fitOf(module), student: studentOf(networks.student, settings) },
    ...{ folder, checkpoints, seed, processes },
    provenance: { teacher, seed, checkpoints: checkpoints.map(({ name }) => name) },
  });
  progress.notice(`the trajectory is the teacher's own training: ${nodes.length} checkpoints of ${source}`);
  return folder;
}
