import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { z } from "zod";
import { DisbackError, UsageError } from "../../errors.js";
import { fileError } from "../atomic-file.js";
import { didYouMean } from "../nearest.js";
import { describeSettings } from "./describe.js";
import { isGroup, layer, place, type SettingsTree } from "./layers.js";
import { describeIssue } from "./messages.js";
import { withObjectiveDefaults } from "./objectives.js";

/** Sources of settings; later ones win. */
export interface SettingsSources {
  /** The presets of this command. */
  presets: Readonly<Record<string, SettingsTree>>;
  preset?: string;
  /** YAML (or JSON) file. It may itself name a `preset`. */
  file?: string;
  flags: SettingsTree;
  /** The flag of a setting's path, if there is one: `backtracking.iterations` → `--iterations`. */
  flagNames?: ReadonlyMap<string, string>;
}

/**
 * Complete, validated settings: defaults < those of the objective < preset < YAML file < flags.
 *
 * @throws UsageError for an unknown preset or a wrong flag, DisbackError for a wrong file; both in one line that names
 *   the field and its source
 */
export function resolveSettings<Schema extends z.ZodType>(
  schema: Schema,
  sources: SettingsSources,
): { settings: z.output<Schema>; preset?: string } {
  const { preset, file, fromPreset, merged } = mergeSources(sources);
  const parsed = schema.safeParse(merged);
  if (parsed.success) return { settings: parsed.data, ...(preset === undefined ? {} : { preset }) };

  const known = describeSettings(schema).map((entry) => entry.path);
  const message = describeIssue(parsed.error, merged, known);
  const path = parsed.error.issues[0]!.path.map(String);
  // Unknown keys are reported at their group.
  const issue = parsed.error.issues[0]!;
  const field = issue.code === "unrecognized_keys" ? [...path, issue.keys[0]!] : path;
  if (has(sources.flags, field)) {
    const dotted = field.join(".");
    throw new UsageError(message.replace(`"${dotted}"`, sources.flagNames?.get(dotted) ?? `"${dotted}"`));
  }
  if (has(file, field)) throw new DisbackError(`${sources.file}: ${message}`);
  if (preset !== undefined && has(fromPreset, field)) throw new DisbackError(`preset ${preset}: ${message}`);
  if (message.endsWith("is required")) throw new UsageError(whatIsRequired(field.join("."), sources));
  throw new UsageError(message);
}

/** Stands for a required setting that was not given. */
const NOT_GIVEN = "?";

/**
 * Settings as a template: required ones may be missing, and are then named. @throws like {@link resolveSettings} for
 * everything else that is wrong
 */
export function settingsTemplate<Schema extends z.ZodType>(
  schema: Schema,
  sources: SettingsSources,
): { settings: SettingsTree; missing: string[] } {
  const { merged } = mergeSources(sources);
  const { error } = schema.safeParse(merged);
  const missing = (error?.issues ?? [])
    .map(({ path, ...issue }) => ({ ...issue, path: path.map(String) }))
    .filter(({ code, path }) => code === "invalid_type" && !has(merged, path))
    .map(({ path }) => path.join("."));
  const flags = missing.reduce((tree, path) => place(tree, path, NOT_GIVEN), sources.flags);
  const { settings } = resolveSettings(schema, { ...sources, flags });
  return { settings: missing.reduce(without, settings as SettingsTree), missing };
}

/** A tree without the value at a dotted path. */
function without(tree: SettingsTree, path: string): SettingsTree {
  const [first, ...rest] = path.split(".") as [string, ...string[]];
  const { [first]: value, ...others } = tree;
  return rest.length > 0 && isGroup(value) ? { ...others, [first]: without(value, rest.join(".")) } : others;
}

function mergeSources(sources: SettingsSources) {
  const { preset: presetInFile, ...file } = sources.file === undefined ? {} : readSettingsFile(sources.file);
  const preset = sources.preset ?? (presetInFile as string | undefined);
  const fromPreset = preset === undefined ? {} : presetSettings(sources.presets, preset);
  return {
    preset,
    file,
    fromPreset,
    merged: withObjectiveDefaults(layer(layer(fromPreset, file), sources.flags)),
  };
}

/** How to give a required setting. */
function whatIsRequired(field: string, { flagNames, presets, preset }: SettingsSources): string {
  const flag = flagNames?.get(field);
  if (flag === undefined) return `"${field}" is required`;
  const ready = Object.entries(presets).flatMap(([name, tree]) =>
    has(tree, field.split(".")) ? [name] : [],
  );
  return preset !== undefined || ready.length === 0
    ? `${flag} is required`
    : `${flag} is required, or a --preset that has it: ${ready.join(", ")}`;
}

function presetSettings(presets: SettingsSources["presets"], name: string): SettingsTree {
  if (typeof name === "string" && Object.hasOwn(presets, name)) return presets[name]!;
  const names = Object.keys(presets);
  throw new UsageError(
    `unknown preset "${name}"${didYouMean(String(name), names)}; there are: ${names.join(", ")}`,
  );
}

/** @throws DisbackError if the file is missing, not YAML, or not a mapping */
export function readSettingsFile(path: string): SettingsTree {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw fileError("read", path, error);
  }
  const value = parseYaml(text, path);
  if (value === null || value === undefined) return {};
  if (!isGroup(value)) throw new DisbackError(`${path}: must hold settings as "name: value" lines`);
  return value;
}

function parseYaml(text: string, path: string): unknown {
  // Imported only to read a file, so that other commands start faster.
  const { parseDocument }: typeof import("yaml") = createRequire(import.meta.url)("yaml");
  try {
    const document = parseDocument(text, { prettyErrors: true, logLevel: "error" });
    const problem = document.errors[0];
    if (!problem) return document.toJS({ maxAliasCount: 100 });
    const line = problem.linePos?.[0].line;
    throw new DisbackError(
      `${path}${line ? `:${line}` : ""}: not valid YAML: ${problem.message.split("\n")[0]}`,
    );
  } catch (error) {
    if (error instanceof DisbackError) throw error;
    // For example multiplying aliases, or a thousand nested lists.
    throw new DisbackError(`${path}: not valid YAML: ${(error as Error).message.split("\n")[0]}`);
  }
}

function has(tree: SettingsTree, path: readonly string[]): boolean {
  let value: unknown = tree;
  for (const name of path) {
    if (!isGroup(value) || !Object.hasOwn(value, name)) return false;
    value = value[name];
  }
  return value !== undefined;
}
