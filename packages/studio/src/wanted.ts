import { HttpError } from "./http-error.js";
import { type ExportFormat, exportFormats, type WantedRun, type WantedSamples } from "./wire.js";

type Given = Record<string, unknown>;

const STUDENTS = ["preset", "same", "untrained", "small", "dcgan", "fastgan"] as const;
/** A folder's name: no path, nothing hidden, nothing that looks like a flag. */
const NAME = /^[a-z0-9][\w.-]{0,63}$/i;
const MOST_SAMPLES = 64;

/** A new run as the page asked for it. @throws HttpError naming what is wrong */
export function wantedRun(given: Given, presets: readonly string[]): WantedRun {
  const { name, preset, teacher, student = "preset" } = given;
  if (typeof name !== "string" || !NAME.test(name))
    throw new HttpError(400, "the name must be one word of letters, digits, dots, dashes and underscores");
  if (!STUDENTS.some((known) => known === student)) throw new HttpError(400, '"student" is unknown');
  const seed = whole(given, "seed", 0, 2 ** 31) ?? 0;
  const iterations = whole(given, "iterations", 1, 1e8);
  const common = {
    ...{ name, seed, student: student as WantedRun["student"] },
    ...(iterations === undefined ? {} : { iterations }),
  };
  if (typeof teacher === "string") return { ...common, teacher };
  if (typeof preset === "string" && presets.includes(preset)) return { ...common, preset };
  throw new HttpError(400, '"preset" is unknown');
}

/** @throws HttpError naming what is wrong */
export function wantedSamples(given: Given): WantedSamples {
  const { label, prompt, texts } = given;
  if (label !== undefined && (typeof label !== "string" || label.length > 200))
    throw new HttpError(400, '"label" must be a name');
  if (prompt !== undefined && (typeof prompt !== "string" || prompt.length > 2000))
    throw new HttpError(400, '"prompt" must be a text of at most 2000 characters');
  if (texts !== undefined && typeof texts !== "boolean")
    throw new HttpError(400, '"texts" must be true or false');
  return {
    seed: whole(given, "seed", 0, 2 ** 31) ?? 0,
    count: whole(given, "count", 1, MOST_SAMPLES) ?? 16,
    ...(label === undefined ? {} : { label }),
    ...(prompt === undefined ? {} : { prompt }),
    ...(texts === undefined ? {} : { texts }),
  };
}

/** @throws HttpError for another one */
export function wantedFormat({ format }: Given): ExportFormat {
  const known = exportFormats.find((name) => name === format);
  if (!known) throw new HttpError(400, '"format" is unknown');
  return known;
}

function whole(given: Given, name: string, lowest: number, highest: number): number | undefined {
  const value = given[name];
  if (value === undefined) return undefined;
  if (Number.isInteger(value) && (value as number) >= lowest && (value as number) <= highest)
    return value as number;
  throw new HttpError(400, `"${name}" must be a whole number from ${lowest} to ${highest}`);
}
