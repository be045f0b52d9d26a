import type { Device } from "@disback/torch";
import { UsageError } from "../errors.js";
import type { DenoiserConfig } from "../models/config.js";
import type { DenoiserModule } from "../models/denoiser.js";
import { asTheyAre } from "../models/sample-codec.js";
import {
  isTaskAdaptersFolder,
  loadTaskAdapters,
  saveTaskAdapters,
} from "../models/tasks/adapters-storage.js";
import { jointConfig } from "../models/tasks/joint-network.js";
import { isTaskFolder, loadTasks, saveTasks } from "../models/tasks/storage.js";
import type { TaskAdapters } from "../models/tasks/task-adapters.js";
import type { TaskDenoiser } from "../models/tasks/task-denoiser.js";
import type { OpenedModel, OpeningOptions } from "./opened-model.js";

/** Whether a folder holds the teachers of several tasks, or a student of one base with adapters for each. */
export function holdsTasks(folder: string): boolean {
  return isTaskFolder(folder) || isTaskAdaptersFolder(folder);
}

/** Opens the teachers of several tasks as one, or their student of adapters. @throws DisbackError naming what is damaged or has no effect */
export function openTaskFolder(
  source: string,
  folder: string,
  { device, unconditional, prompts }: OpeningOptions,
): OpenedModel {
  if (unconditional) refuseNoTask(source);
  if (prompts) throw new UsageError(`--prompts: ${source} is told a task, not a text`);
  return isTaskFolder(folder) ? openTeachers(folder, device) : openStudent(folder, device);
}

function openTeachers(folder: string, device: Device): OpenedModel {
  const { denoiser, tasks } = loadTasks(folder);
  return {
    ...taskModel(denoiser.to({ device }), jointConfig(denoiser, tasks)),
    save: (path, module) => saveTasks(path, module as TaskDenoiser, tasks),
  };
}

function openStudent(folder: string, device: Device): OpenedModel {
  const { denoiser, config } = loadTaskAdapters(folder);
  denoiser.base.to({ device });
  return taskAdaptersModel(denoiser.to({ device }), config);
}

/** A student of adapters for each task on one base, whose folder holds both. @param config the base's */
export function taskAdaptersModel(denoiser: TaskAdapters, config: DenoiserConfig): OpenedModel {
  return {
    ...taskModel(denoiser, config),
    save: (path, module) => saveTaskAdapters(path, module as TaskAdapters, config),
  };
}

function taskModel(module: DenoiserModule, config: DenoiserConfig): Omit<OpenedModel, "save"> {
  const { facts } = module;
  const codec = { ...asTheyAre(facts.sampleShape), tasks: Object.keys(facts.tasks!) };
  return { module, facts, config, codec };
}

/** @throws UsageError always */
export function refuseNoTask(source: string): never {
  throw new UsageError(`--unconditional: ${source} knows several tasks, and must be told one`);
}
