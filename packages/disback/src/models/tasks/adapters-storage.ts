import { join } from "node:path";
import { Generator, Module } from "@disback/torch";
import { z } from "zod";
import { DisbackError } from "../../errors.js";
import { parsedBy } from "../../parsed-by.js";
import { buildDenoiser } from "../create-denoiser.js";
import { type DenoiserConfig, denoiserConfig } from "../denoiser-config.js";
import { formatOf, loadWeights, readConfigFile, weightsFile, writeModelFolder } from "../model-folder.js";
import { numbersIn, refuseAbsurdSizes, weightsWithin } from "../sensible-sizes.js";
import { TaskAdapters } from "./task-adapters.js";

/** What makes a folder one with a base and adapters for each task. */
const FORMAT = "disback-task-adapters-1";

const schema = z.strictObject({
  format: z.literal(FORMAT),
  /** the base, which knows the classes of all tasks */
  model: denoiserConfig.refine(({ tasks }) => tasks !== undefined, {
    path: ["tasks"],
    error: "are missing: how many of the classes are each task's",
  }),
  rank: z.int().min(1),
  layers: z.enum(["all", "attention"]),
});

/** Keys `base.…` and `adapters.…`. */
class Whole extends Module {
  constructor(
    readonly base: Module,
    readonly adapters: Module,
  ) {
    super();
  }
}

/** Base and adapters as one module, for files. */
export function withBase(adapters: TaskAdapters): Module {
  return new Whole(adapters.base, adapters);
}

/** Whether a model folder holds one base with adapters for several tasks. */
export function isTaskAdaptersFolder(folder: string): boolean {
  return formatOf(folder) === FORMAT;
}

/**
 * Writes a base and its tasks' adapters as one folder.
 * @param model the base's configuration @throws DisbackError naming the file that cannot be written
 */
export function saveTaskAdapters(folder: string, adapters: TaskAdapters, model: DenoiserConfig): void {
  const { rank, layers } = adapters;
  writeModelFolder(folder, withBase(adapters), { format: FORMAT, model, rank, layers });
}

/** Reads the adapters alone of such a folder, onto the base that they were made for. @throws DisbackError naming file and key */
export function loadAdaptersOnly(folder: string, adapters: TaskAdapters): void {
  loadWeights(join(folder, weightsFile), adapters, { part: "adapters." });
}

/** Reads a folder that `saveTaskAdapters` wrote, in evaluation mode. @throws DisbackError naming file and field, or file and key */
export function loadTaskAdapters(folder: string): { denoiser: TaskAdapters; config: DenoiserConfig } {
  const { path, value } = readConfigFile(folder);
  const fail = (problem: string): never => {
    throw new DisbackError(`${path}: ${problem}`);
  };
  const { model, rank, layers } = parsedBy(schema, value, path);
  refuseAbsurdSizes(model, fail);
  const weights = join(folder, weightsFile);
  const base = buildDenoiser(model, weightsWithin(numbersIn(weights), fail));
  const denoiser = new TaskAdapters(base, { rank, layers, generator: new Generator(0) });
  loadWeights(weights, withBase(denoiser));
  return { denoiser: denoiser.eval(), config: model };
}
