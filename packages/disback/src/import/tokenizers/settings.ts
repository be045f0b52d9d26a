import { existsSync } from "node:fs";
import { join } from "node:path";
import { isObject, type JsonObject, readJsonObject } from "../diffusers/json-file.js";

/** `tokenizer_config.json` and, below it, `special_tokens_map.json`. */
export type TokenizerSettings = JsonObject;

/** An added token, as in `tokenizer.json`. */
export interface SpecialToken {
  content: string;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: true;
}

/** The settings in the files beside a vocabulary, if there are any. @throws DisbackError naming a damaged file */
export function readSettings(folder: string): TokenizerSettings {
  const parts = ["special_tokens_map.json", "tokenizer_config.json"]
    .map((name) => join(folder, name))
    .filter((path) => existsSync(path))
    .map((path) => readJsonObject(path));
  return Object.assign({}, ...parts);
}

/** A special token of the settings, as text or with its properties. @param usual the default */
export function specialToken(settings: TokenizerSettings, name: string, usual: string): SpecialToken {
  const given = settings[name];
  const properties = isObject(given) ? given : {};
  const flag = (key: string) => properties[key] === true;
  const content = typeof given === "string" ? given : properties["content"];
  return {
    content: typeof content === "string" ? content : usual,
    single_word: flag("single_word"),
    lstrip: flag("lstrip"),
    rstrip: flag("rstrip"),
    normalized: flag("normalized"),
    special: true,
  };
}
