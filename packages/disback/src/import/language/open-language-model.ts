import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Device, noGrad, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { createLanguageModel } from "../../models/language/create-language-model.js";
import type { LanguageModel } from "../../models/language/language-model.js";
import type { LanguageOptions } from "../../models/language/options.js";
import { noWeights } from "../../models/weights.js";
import type { Language } from "../../text/language/language.js";
import { TokenizerLanguage } from "../../text/language/tokenizer-language.js";
import { type JsonObject, readJsonObject } from "../diffusers/json-file.js";
import { readGgufLlama } from "../gguf/llama.js";
import { shown } from "../pickle/text-values.js";
import { adoptTensors } from "../tensors/adopt.js";
import { openComponentTensors } from "../tensors/component-tensors.js";
import { bytePairTokenizer } from "../tokenizers/byte-pairs.js";
import { readSettings } from "../tokenizers/settings.js";
import { describeGpt2 } from "../transformers/gpt2.js";
import { describeLlama } from "../transformers/llama.js";

/** A language model with what reads and writes its tokens. */
export interface OpenedLanguageModel {
  model: LanguageModel;
  language: Language;
}

export interface LanguageModelOpening {
  /** default "cpu" */
  device?: Device;
  /** tokens of a sample; default what the model takes at most, and at most 128 */
  length?: number | undefined;
}

/** Longest sample of a model that does not say more. */
const USUAL_LENGTH = 128;
/** The largest known `tokenizer.json` has some 20 MB. */
const mostTokenizerBytes = 128 * 2 ** 20;

const architectures: Readonly<
  Record<string, (given: { config: JsonObject; configPath: string }) => LanguageOptions>
> = {
  llama: describeLlama,
  gpt2: describeGpt2,
};

/** Whether a source is a language model: a GGUF file, or a folder of transformers with a "model_type". */
export function isLanguageModel(source: string): boolean {
  if (/\.gguf$/i.test(source)) return existsSync(source);
  const path = join(source, "config.json");
  if (!existsSync(path) || !statSync(path).isFile()) return false;
  try {
    const value = JSON.parse(readFileSync(path, "utf8")) as { model_type?: unknown } | null;
    return typeof value?.model_type === "string";
  } catch {
    return false;
  }
}

/**
 * Opens a decoder-only language model: a folder of transformers (`llama` or `gpt2`: config.json, weights, and tokenizer.json
 * or vocab.json with merges.txt) or a GGUF file of a llama, which is dequantized. In float32, evaluation mode and frozen.
 * @throws DisbackError naming the file and what is missing, damaged or not supported
 */
export async function openLanguageModel(
  source: string,
  { device = "cpu", length }: LanguageModelOpening = {},
): Promise<OpenedLanguageModel> {
  const { options, tokenizer, origin, weights, path } = /\.gguf$/i.test(source)
    ? ofGguf(source)
    : await ofFolder(source);
  const language = new TokenizerLanguage(tokenizer, { size: options.tokens, end: options.end }, origin);
  const usual = Math.min(options.places - 1, USUAL_LENGTH);
  const model = createLanguageModel(noWeights, options, length ?? usual);
  const tensors = inSingle(weights());
  adoptTensors(model, tensors, { path, rename: options.layout === "gpt2" ? gpt2Key : llamaKey(options) });
  model.to({ device }).eval().requiresGrad_(false);
  return { model, language };
}

function ofGguf(path: string) {
  const { options, tokenizer, tensors } = readGgufLlama(path);
  return { options, tokenizer, origin: path, weights: tensors, path };
}

async function ofFolder(folder: string) {
  const configPath = join(folder, "config.json");
  const config = readJsonObject(configPath);
  const kind = String(config["model_type"]);
  const describe = Object.hasOwn(architectures, kind) ? architectures[kind] : undefined;
  if (!describe)
    throw new DisbackError(
      `${configPath}: "model_type" is ${shown(kind)}; language models of ${Object.keys(architectures).join(" and ")} are supported`,
    );
  const options = describe({ config, configPath });
  const { json: tokenizer, path: origin } = readTokenizer(folder);
  const { tensors, path } = await openComponentTensors(folder, "transformers");
  return { options, tokenizer, origin, weights: () => tensors, path };
}

function readTokenizer(folder: string): { json: object; path: string } {
  const [path, vocab, merges] = ["tokenizer.json", "vocab.json", "merges.txt"].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  if (existsSync(path)) return { json: readJsonObject(path, mostTokenizerBytes), path };
  if (existsSync(vocab) && existsSync(merges))
    return { json: bytePairTokenizer(vocab, merges, readSettings(folder)), path: vocab };
  throw new DisbackError(
    `${folder}: no tokenizer: there is no tokenizer.json, or vocab.json with merges.txt`,
  );
}

/** Half precision is for storage: sums over a vocabulary need more. */
function inSingle(tensors: Map<string, Tensor>): Map<string, Tensor> {
  return new Map(
    [...tensors].map(([key, tensor]) => [
      key,
      tensor.dtype === "float32" ? tensor : noGrad(() => tensor.float()),
    ]),
  );
}

/** Masks and a tied table are stored by some; GPT2Model's own files lack the prefix. */
function gpt2Key(key: string): string | null {
  if (/\.attn\.(masked_)?bias$/.test(key) || key === "lm_head.weight") return null;
  return key.startsWith("transformer.") ? key : `transformer.${key}`;
}

function llamaKey({ tied }: LanguageOptions): (key: string) => string | null {
  return (key) => ((tied && key === "lm_head.weight") || key.endsWith("rotary_emb.inv_freq") ? null : key);
}
