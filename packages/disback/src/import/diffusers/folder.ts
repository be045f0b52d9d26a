import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { DisbackError } from "../../errors.js";
import { shown } from "../pickle/text-values.js";
import { isObject, type JsonObject, readJsonObject } from "./json-file.js";

/** File that names the components of a pipeline. */
export const pipelineFile = "model_index.json";

/** A part of a diffusers pipeline: a network, a VAE, a scheduler. */
export interface DiffusersComponent {
  /** its name in the pipeline, such as "unet"; "" for a folder that holds one model only */
  name: string;
  /** the Python class, such as "UNet2DModel" */
  className: string;
  /** where its files are */
  folder: string;
  /** path of its configuration file, for messages */
  configPath: string;
  /** its unchecked configuration */
  config: JsonObject;
}

/** A folder as diffusers' `save_pretrained` writes it: a pipeline's, or one model's. */
export interface DiffusersFolder {
  path: string;
  /** the pipeline's class; absent for one model's folder */
  pipelineName?: string;
  /** other fields of the pipeline's file, such as the labels' names */
  pipeline: JsonObject;
  components: readonly DiffusersComponent[];
  /** expected path of the scheduler's configuration, for messages */
  schedulerPath: string;
}

/** Whether a path is a diffusers folder. */
export function isDiffusersFolder(path: string): boolean {
  if (!existsSync(path) || !statSync(path).isDirectory()) return false;
  if (existsSync(join(path, pipelineFile))) return true;
  const config = join(path, "config.json");
  return existsSync(config) && typeof readJsonObject(config)["_class_name"] === "string";
}

/**
 * Reads what a folder of diffusers holds: `model_index.json` with a folder per component (or all files beside it, as
 * the oldest ones have them), or `config.json` of one model, with its scheduler in `scheduler/` or beside it. Weights
 * are not read. Components of libraries other than diffusers are left out.
 * @throws DisbackError naming file and field
 */
export function readDiffusersFolder(path: string): DiffusersFolder {
  const schedulerPath = join(path, "scheduler", "scheduler_config.json");
  if (existsSync(join(path, pipelineFile))) {
    const file = join(path, pipelineFile);
    const pipeline = readJsonObject(file);
    const components = Object.entries(pipeline).flatMap(([name, entry]) =>
      componentOf(path, file, name, entry),
    );
    return { path, pipelineName: classNameOf(pipeline, file), pipeline, components, schedulerPath };
  }
  const configPath = join(path, "config.json");
  const config = readJsonObject(configPath);
  const model = { name: "", className: classNameOf(config, configPath), folder: path, configPath, config };
  const scheduler = [join(path, "scheduler"), path]
    .filter((folder) => existsSync(join(folder, "scheduler_config.json")))
    .slice(0, 1)
    .map((folder) => readScheduler(folder));
  return { path, pipeline: {}, components: [model, ...scheduler], schedulerPath };
}

/** The component of one of the classes. @throws DisbackError listing the existing ones */
export function findComponent(folder: DiffusersFolder, classNames: readonly string[]): DiffusersComponent {
  const found = folder.components.filter(({ className }) => classNames.includes(className));
  if (found.length === 1) return found[0]!;
  const there = folder.components.map(({ name, className }) => (name ? `${name} (${className})` : className));
  const what = found.length === 0 ? "no network that disback knows" : "several networks";
  throw new DisbackError(
    `${folder.path}: ${what}: there is ${there.map(shown).join(", ") || "nothing of diffusers"}; ` +
      `${classNames.join(" and ")} can be imported`,
  );
}

export const isScheduler = ({ className }: DiffusersComponent): boolean => className.endsWith("Scheduler");

/** The scheduler. @throws DisbackError if there is none: the noise levels are then unknown */
export function findScheduler(folder: DiffusersFolder): DiffusersComponent {
  const found = folder.components.find(isScheduler);
  if (found) return found;
  throw new DisbackError(
    `${folder.schedulerPath}: no such file: it tells the noise levels that the network was trained at`,
  );
}

/** A part of a pipeline that `readDiffusersFolder` does not read: its name, and its class or value. */
export interface OtherPart {
  name: string;
  description: string;
}

/** Other entries of a pipeline's file: parts of other libraries, and settings. */
export function otherParts({ pipeline }: DiffusersFolder, used: readonly DiffusersComponent[]): OtherPart[] {
  return Object.entries(pipeline).flatMap(([name, value]) => {
    const isUsed = name.startsWith("_") || used.some((component) => component.name === name);
    const isAbsent = value === null || (Array.isArray(value) && value.every((item) => item === null));
    if (isUsed || isAbsent) return [];
    return [{ name, description: Array.isArray(value) ? String(value.at(-1)) : JSON.stringify(value) }];
  });
}

/** Undefined for a field that is not a component, or one of another library. */
function componentOf(path: string, file: string, name: string, entry: unknown): DiffusersComponent[] {
  if (name.startsWith("_") || !Array.isArray(entry) || entry[0] !== "diffusers") return [];
  const fail = (problem: string) => new DisbackError(`${file}: "${shown(name)}": ${problem}`);
  if (!isPlainName(name)) throw fail("a component's name must be a plain folder name: refused");
  const className = entry[1];
  if (typeof className !== "string") throw fail("a component is a pair of library and class");
  const own = join(path, name);
  const folder = existsSync(own) ? own : path;
  if (className.endsWith("Scheduler")) return [{ ...readScheduler(folder), name }];
  const configPath = join(folder, "config.json");
  const config = readJsonObject(configPath);
  const stated = config["_class_name"] ?? className;
  if (stated !== className) {
    throw new DisbackError(
      `${configPath}: "_class_name" is ${shown(String(stated))}, but ${pipelineFile} says ${shown(className)}`,
    );
  }
  return [{ name, className, folder, configPath, config }];
}

function readScheduler(folder: string): DiffusersComponent {
  const configPath = join(folder, "scheduler_config.json");
  const config = readJsonObject(configPath);
  return { name: "scheduler", className: classNameOf(config, configPath), folder, configPath, config };
}

function classNameOf(config: JsonObject, path: string): string {
  const name = config["_class_name"];
  if (typeof name !== "string" || name === "") {
    throw new DisbackError(`${path}: "_class_name" is missing: not a file of diffusers`);
  }
  return name;
}

/** Whether a name is a plain name of a file or folder, without a path. */
export function isPlainName(name: string): boolean {
  return name !== "" && !/^\.{1,2}$|[/\\\0]/.test(name);
}

/** The values of an object with text values. */
export function isTextTable(value: unknown): value is Readonly<Record<string, string>> {
  return isObject(value) && Object.values(value).every((text) => typeof text === "string");
}
