import { UsageError } from "../errors.js";
import { asTheyAre } from "../models/sample-codec.js";
import { jointConfig, loadTasks, saveTasks } from "../models/tasks/storage.js";
import type { TaskDenoiser } from "../models/tasks/task-denoiser.js";
import type { OpenedModel, OpeningOptions } from "./opened-model.js";

/** Opens the teachers of several tasks as one. @throws DisbackError naming what is damaged or has no effect */
export function openTaskFolder(
  source: string,
  folder: string,
  { device, unconditional, prompts }: OpeningOptions,
): OpenedModel {
  if (unconditional) refuseNoTask(source);
  if (prompts) throw new UsageError(`--prompts: ${source} is told a task, not a text`);
  const { denoiser, tasks } = loadTasks(folder);
  const { facts } = denoiser;
  return {
    ...{ module: denoiser.to({ device }), facts, config: jointConfig(denoiser, tasks) },
    codec: { ...asTheyAre(facts.sampleShape), tasks: tasks.map(({ name }) => name) },
    save: (path, module) => saveTasks(path, module as TaskDenoiser, tasks),
  };
}

/** @throws UsageError always */
export function refuseNoTask(source: string): never {
  throw new UsageError(`--unconditional: ${source} knows several tasks, and must be told one`);
}
