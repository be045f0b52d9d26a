import { join } from "node:path";
import { z } from "zod";
import { DisbackError } from "../../errors.js";
import { parsedBy } from "../../parsed-by.js";
import { buildDenoiser } from "../create-denoiser.js";
import { type DenoiserConfig, denoiserConfig } from "../denoiser-config.js";
import {
  formatOf,
  loadWeights,
  readConfigFile,
  type StoringOptions,
  weightsFile,
  writeModelFolder,
} from "../model-folder.js";
import { numbersIn, refuseAbsurdSizes, weightsWithin } from "../sensible-sizes.js";
import { TaskDenoiser } from "./task-denoiser.js";

/** What makes a folder one with the teachers of several tasks. */
const FORMAT = "disback-tasks-1";

const schema = z.strictObject({
  format: z.literal(FORMAT),
  /** in the order of their classes */
  tasks: z.array(z.strictObject({ name: z.string().min(1), model: denoiserConfig })).min(2),
});

/** A task's name and its teacher's configuration. */
export interface TaskConfig {
  name: string;
  model: DenoiserConfig;
}

/** Whether a model folder holds the teachers of several tasks. */
export function isTaskFolder(folder: string): boolean {
  return formatOf(folder) === FORMAT;
}

/** Writes the teachers of several tasks as one folder, see `saveModel`. @throws DisbackError naming the file that cannot be written */
export function saveTasks(
  folder: string,
  denoiser: TaskDenoiser,
  tasks: readonly TaskConfig[],
  options: StoringOptions = {},
): void {
  writeModelFolder(folder, denoiser, { format: FORMAT, tasks }, options);
}

/** Reads a folder that `saveTasks` wrote, in evaluation mode. @throws DisbackError naming file and field, or file and key */
export function loadTasks(folder: string): { denoiser: TaskDenoiser; tasks: TaskConfig[] } {
  const { path, value } = readConfigFile(folder);
  const fail = (problem: string): never => {
    throw new DisbackError(`${path}: ${problem}`);
  };
  const { tasks } = parsedBy(schema, value, path);
  for (const { model } of tasks) refuseAbsurdSizes(model, fail);
  const weights = join(folder, weightsFile);
  const source = weightsWithin(numbersIn(weights), fail);
  const denoiser = new TaskDenoiser(
    tasks.map(({ name, model }) => ({ name, denoiser: buildDenoiser(model, source) })),
  );
  loadWeights(weights, denoiser);
  return { denoiser: denoiser.eval(), tasks };
}
