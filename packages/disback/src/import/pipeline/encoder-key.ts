import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readPipelineFolder } from "./pipeline-folder.js";

/**
 * A name for a pipeline's text encoders and tokenizers, for `PromptCache`: the hash of their small files' contents, and
 * of names, sizes and times of the large ones, which are not read.
 * @throws DisbackError naming file and field
 */
export function encoderKey(path: string, settings: object = {}): string {
  const { parts, settings: own } = readPipelineFolder(path);
  const hash = createHash("sha256").update(JSON.stringify([own, settings]));
  for (const { name, folder } of parts.values()) {
    if (!/^(text_encoder|tokenizer)/.test(name) || !existsSync(folder)) continue;
    for (const file of readdirSync(folder).sort()) {
      const { size, mtimeMs } = statSync(join(folder, file));
      hash.update(`${name}/${file} ${size} `);
      if (size < largeFile) hash.update(readFileSync(join(folder, file)));
      else hash.update(String(mtimeMs));
    }
  }
  return hash.digest("hex");
}

const largeFile = 16 * 2 ** 20;
