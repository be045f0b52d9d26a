import { DisbackError, UsageError } from "../../errors.js";
import type { DenoiserConfig } from "../../models/denoiser-config.js";
import { jointConfig } from "../../models/tasks/joint-network.js";
import { saveTasks, type TaskConfig } from "../../models/tasks/storage.js";
import { type Task, TaskDenoiser } from "../../models/tasks/task-denoiser.js";
import { openDenoiser } from "../open-model.js";
import type { OpenedModel } from "../opened-model.js";
import { makeInPlace, type OutputPlace, refuseOccupied } from "../output-place.js";

/** The result of `disback teacher join`. */
export interface JoinedTeachers {
  folder: string;
  /** number of classes by task */
  tasks: Readonly<Record<string, number>>;
  sampleShape: readonly number[];
  /** standard deviation of the data of all tasks together */
  sigmaData: number;
}

/**
 * Makes one teacher of several: a folder with the weights of all, for `distill --teacher`.
 * @param given `name=source` of each
 * @throws DisbackError naming the task that does not fit
 */
export async function joinTeachers(given: readonly string[], place: OutputPlace): Promise<JoinedTeachers> {
  if (given.length < 2) throw new UsageError("give at least two teachers, each as name=teacher");
  const sources = given.map(named);
  refuseOccupied(place);
  const tasks: Task[] = [];
  const configs: TaskConfig[] = [];
  for (const { name, source } of sources) {
    const opened = await openDenoiser(source, { device: "cpu" });
    configs.push({ name, model: requirePlain(name, opened) });
    tasks.push({ name, denoiser: opened.module });
  }
  const denoiser = new TaskDenoiser(tasks);
  // A network that knows no classes cannot be the student of all.
  jointConfig(denoiser, configs);
  await makeInPlace(place, (partial) => saveTasks(partial, denoiser, configs));
  const { sampleShape, sigmaData, tasks: shares } = denoiser.facts;
  return { folder: place.out, tasks: shares!, sampleShape, sigmaData };
}

function named(text: string): { name: string; source: string } {
  const [, name, source] = /^([\w-]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || source === undefined)
    throw new UsageError(`${text}: must be name=teacher, as digits=runs/digits`);
  return { name, source };
}

/** @throws DisbackError if the teacher is no single network whose samples are shown as they are */
function requirePlain(name: string, { config, codec, facts }: OpenedModel): DenoiserConfig {
  if (facts.tasks) throw new DisbackError(`${name}: knows several tasks already; give its teachers`);
  if (!config) throw new DisbackError(`${name}: is your own module; only networks of ours can be joined`);
  if (codec.decoder || codec.language || codec.picture)
    throw new DisbackError(`${name}: its samples are no plain images or points`);
  return config;
}
