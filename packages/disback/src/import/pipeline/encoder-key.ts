import { createHash, type Hash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { readPipelineFolder } from "./pipeline-folder.js";
import { isSingleFile, type PipelineChoice } from "./text-to-image-source.js";

/** What changes a prompt's states besides the pipeline. */
export interface EncoderSettings extends Pick<PipelineChoice, "loras" | "tokenizer"> {
  /** see `openPrompts` of the pipeline */
  longPrompt?: number | undefined;
}

/**
 * A name for a pipeline's text encoders and tokenizers, for `PromptCache`: the hash of their small files' contents, and
 * of names, sizes and times of the large ones, which are not read.
 * @throws DisbackError naming file and field
 */
export function encoderKey(path: string, settings: EncoderSettings = {}): string {
  const { loras = [], tokenizer, longPrompt } = settings;
  const hash = createHash("sha256");
  hash.update(JSON.stringify([loras.map(({ weight }) => weight), longPrompt]));
  if (isSingleFile(path)) {
    addFile(hash, path);
    if (tokenizer !== undefined) addFolder(hash, tokenizer);
  } else addEncoders(hash, path);
  for (const lora of loras) addFile(hash, lora.path);
  return hash.digest("hex");
}

function addEncoders(hash: Hash, path: string): void {
  const { parts, settings } = readPipelineFolder(path);
  hash.update(JSON.stringify(settings));
  for (const { name, folder } of parts.values())
    if (/^(text_encoder|tokenizer)/.test(name)) addFolder(hash, folder);
}

function addFolder(hash: Hash, folder: string): void {
  if (!existsSync(folder)) return;
  hash.update(`${basename(folder)}/`);
  for (const file of readdirSync(folder).sort())
    if (statSync(join(folder, file)).isFile()) addFile(hash, join(folder, file));
}

const largeFile = 16 * 2 ** 20;

function addFile(hash: Hash, path: string): void {
  if (!existsSync(path)) return;
  const { size, mtimeMs } = statSync(path);
  hash.update(`${basename(path)} ${size} `);
  if (size < largeFile) hash.update(readFileSync(path));
  else hash.update(String(mtimeMs));
}
