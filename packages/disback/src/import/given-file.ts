import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { DisbackError } from "../errors.js";
import { type DenoiserConfig, parseDenoiserConfig } from "../models/denoiser-config.js";

/** The unchecked content of a configuration file, and its path. */
export interface GivenFile {
  value: unknown;
  place: string;
}

/** A configuration as in a model folder's config.json. */
export function ownConfig({ value, place }: GivenFile): { config: DenoiserConfig; configPlace: string } {
  return { config: parseDenoiserConfig(value, place), configPlace: place };
}

/** Reads JSON, YAML or command-line flags. @throws DisbackError naming the file */
export function readGivenFile(file: string): GivenFile {
  try {
    const text = readFileSync(file, "utf8");
    const value = text.trimStart().startsWith("--") ? parseFlags(text) : parse(text, { logLevel: "error" });
    return { value, place: file };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const reason = missing ? "no such file" : (error as Error).message.split("\n")[0];
    throw new DisbackError(`--config ${file}: ${reason}`);
  }
}

/** `--image_size 64 --class_cond True`, as in guided-diffusion's README. */
function parseFlags(text: string): Record<string, string> {
  const words = text.trim().split(/[\s=\\]+/);
  const pairs: Record<string, string> = {};
  for (let index = 0; index < words.length; index += 2) {
    const [name, value] = [words[index]!, words[index + 1]];
    if (!name.startsWith("--") || value === undefined || value.startsWith("--")) {
      throw new Error(`"${name}" is not a flag with a value`);
    }
    pairs[name.slice(2)] = value;
  }
  return pairs;
}
