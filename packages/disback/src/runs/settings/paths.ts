import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { splitLora } from "../pipeline-choice.js";
import { isGroup, type SettingsTree } from "./layers.js";

/** Settings that may be a path. Some may also be a name, such as a shipped teacher's. */
const PATHS = [
  "teacher",
  "student",
  "data",
  "prompts",
  "tokenizer",
  "trajectory",
  "autoencoder",
  "evaluation.reference",
  "evaluation.extractor",
  "evaluation.inception",
];

/** Makes paths in settings absolute, so that a run can be resumed from anywhere. Other values do not change. */
export function withAbsolutePaths<Settings extends object>(settings: Settings): Settings {
  const { lora, ...rest } = settings as SettingsTree;
  return PATHS.reduce<SettingsTree>((tree, path) => absolute(tree, path.split(".")), {
    ...rest,
    ...(Array.isArray(lora) ? { lora: lora.map(absoluteLora) } : {}),
  }) as Settings;
}

function absoluteLora(text: string): string {
  const { path, weight } = splitLora(text);
  return weight === undefined ? resolve(path) : `${resolve(path)}:${weight}`;
}

function absolute(tree: SettingsTree, [first, ...rest]: readonly string[]): SettingsTree {
  const value = tree[first!];
  if (rest.length > 0) return isGroup(value) ? { ...tree, [first!]: absolute(value, rest) } : tree;
  return typeof value === "string" && existsSync(value) ? { ...tree, [first!]: resolve(value) } : tree;
}
