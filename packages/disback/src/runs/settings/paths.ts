import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { isGroup, type SettingsTree } from "./layers.js";

/** Settings that may name a file or folder; some of them may be a name instead, such as a shipped teacher's. */
const PATHS = [
  "teacher",
  "student",
  "data",
  "trajectory",
  "autoencoder",
  "evaluation.reference",
  "evaluation.extractor",
  "evaluation.inception",
];

/** Settings whose paths are absolute, so that a run can be continued from anywhere. What is no path stays as it is. */
export function withAbsolutePaths<Settings extends object>(settings: Settings): Settings {
  return PATHS.reduce<SettingsTree>((tree, path) => absolute(tree, path.split(".")), {
    ...(settings as SettingsTree),
  }) as Settings;
}

function absolute(tree: SettingsTree, [first, ...rest]: readonly string[]): SettingsTree {
  const value = tree[first!];
  if (rest.length > 0) return isGroup(value) ? { ...tree, [first!]: absolute(value, rest) } : tree;
  return typeof value === "string" && existsSync(value) ? { ...tree, [first!]: resolve(value) } : tree;
}
