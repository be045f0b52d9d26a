import { existsSync, readFileSync, statSync } from "node:fs";
import { requireCaptions } from "../data/caption-tokens.js";
import { chooseFields, toCaption } from "../data/formats/annotations.js";
import { DisbackError, UsageError } from "../errors.js";

/** The prompts of settings; `undefined` if none are given. @throws UsageError if both are */
export async function promptsFrom(settings: {
  prompt?: string | undefined;
  prompts?: string | undefined;
}): Promise<readonly string[] | undefined> {
  const { prompt, prompts } = settings;
  if (prompt !== undefined && prompts !== undefined)
    throw new UsageError("--prompt and --prompts: give one of them");
  if (prompt !== undefined) return [prompt];
  return prompts === undefined ? undefined : readPrompts(prompts);
}

/**
 * Prompts of a file: one a line; of a `.jsonl`, the fields "text", "caption" or "prompt". Of anything else, a data set,
 * its captions without repeats.
 * @throws DisbackError naming file and line
 */
export async function readPrompts(path: string): Promise<readonly string[]> {
  if (!existsSync(path)) throw new DisbackError(`${path}: no such file`);
  const isText = statSync(path).isFile() && /\.(txt|jsonl|ndjson|prompts)$/i.test(path);
  if (!isText) {
    // Much to load, and seldom needed.
    const { openDataset } = await import("../data/dataset.js");
    const captions = requireCaptions(await openDataset(path, { labels: false }));
    return [...new Set(captions.filter((caption) => caption.trim() !== ""))];
  }
  const lines = readFileSync(path, "utf8").split(/\r?\n/);
  const isJson = /\.(jsonl|ndjson)$/i.test(path);
  const prompts = lines.flatMap((line, index) => {
    if (line.trim() === "") return [];
    return [isJson ? promptOf(line, `${path}: line ${index + 1}`) : line.trim()];
  });
  if (prompts.length === 0) throw new DisbackError(`${path}: there is no prompt in it`);
  return prompts;
}

function promptOf(line: string, where: string): string {
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch {
    throw new DisbackError(`${where} is not valid JSON`);
  }
  if (typeof row === "string") return row;
  const fields = (row ?? {}) as Record<string, unknown>;
  const { caption } = chooseFields(Object.keys(fields));
  const text = caption === undefined ? "" : toCaption(fields[caption]);
  if (text.trim() !== "") return text;
  throw new DisbackError(`${where} has no "text", "caption" or "prompt"`);
}
