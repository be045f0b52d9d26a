import { backtrackingJob } from "./backtracking.js";
import { distillationJob } from "./distillation.js";
import type { Job } from "./job.js";
import { recordingJob } from "./record.js";
import { teacherJob } from "./teacher.js";

/** Every kind of run, for `resume`. */
export const allJobs: readonly Job[] = [
  teacherJob,
  recordingJob,
  backtrackingJob,
  distillationJob,
] as readonly Job[];
