import { existsSync } from "node:fs";
import { join } from "node:path";
import { DisbackError } from "../../errors.js";
import { isPlainName } from "../diffusers/folder.js";
import { type JsonObject, readJsonObject } from "../diffusers/json-file.js";
import { shown } from "../pickle/text-values.js";

/** A part of a pipeline, from any library. */
export interface PipelinePart {
  /** its name in the pipeline, such as "text_encoder_2", and its folder's */
  name: string;
  library: string;
  className: string;
  folder: string;
}

/** A pipeline's folder as diffusers' `save_pretrained` writes it. */
export interface PipelineFolder {
  path: string;
  /** the pipeline's class */
  className: string;
  parts: ReadonlyMap<string, PipelinePart>;
  /** settings that are not parts, such as "force_zeros_for_empty_prompt" */
  settings: JsonObject;
}

/** A part with its `config.json`. */
export interface ConfiguredPart extends PipelinePart {
  config: JsonObject;
  configPath: string;
}

/** Whether a source is a pipeline's folder as diffusers writes it. */
export function isPipelineFolder(source: string): boolean {
  return existsSync(join(source, "model_index.json"));
}

/** Reads what `model_index.json` names. @throws DisbackError naming file and field */
export function readPipelineFolder(path: string): PipelineFolder {
  const file = join(path, "model_index.json");
  const index = readJsonObject(file);
  const className = index["_class_name"];
  if (typeof className !== "string") throw new DisbackError(`${file}: "_class_name" is missing`);
  const parts = new Map<string, PipelinePart>();
  const settings: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(index)) {
    if (name.startsWith("_")) continue;
    if (!Array.isArray(value)) {
      settings[name] = value;
      continue;
    }
    const [library, partClass] = value;
    if (library === null || partClass === null) continue;
    if (!isPlainName(name) || typeof library !== "string" || typeof partClass !== "string") {
      throw new DisbackError(`${file}: "${shown(name)}": a part is a pair of library and class`);
    }
    parts.set(name, { name, library, className: partClass, folder: join(path, name) });
  }
  return { path, className, parts, settings };
}

/** A part's configuration. @throws DisbackError naming the file, if the part is missing or its file is damaged */
export function configured(part: PipelinePart, file = "config.json"): ConfiguredPart {
  const configPath = join(part.folder, file);
  if (!existsSync(part.folder)) {
    throw new DisbackError(
      `${part.folder}: no such folder, but model_index.json names "${shown(part.name)}"`,
    );
  }
  return { ...part, config: readJsonObject(configPath), configPath };
}

/** A required part of the pipeline. @throws DisbackError naming folder and part */
export function requiredPart({ path, parts, className }: PipelineFolder, name: string): PipelinePart {
  const part = parts.get(name);
  if (part) return part;
  throw new DisbackError(
    `${join(path, "model_index.json")}: "${name}" is missing, which ${shown(className)} needs`,
  );
}
