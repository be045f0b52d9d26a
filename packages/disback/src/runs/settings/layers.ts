/** A tree of settings from YAML or flags. */
export type SettingsTree = { [name: string]: unknown };

/**
 * Merges one tree into another: groups are merged, everything else (lists too) is replaced. `undefined` means "not
 * given".
 */
export function layer(below: SettingsTree, above: SettingsTree): SettingsTree {
  const merged: SettingsTree = { ...below };
  for (const [name, value] of Object.entries(above)) {
    if (value === undefined) continue;
    const under = merged[name];
    merged[name] = isGroup(under) && isGroup(value) ? layer(under, value) : value;
  }
  return merged;
}

/** Sets a value at a dotted path: `place({}, "backtracking.iterations", 10)`. */
export function place(tree: SettingsTree, path: string, value: unknown): SettingsTree {
  const [first, ...rest] = path.split(".");
  return layer(tree, { [first!]: rest.length === 0 ? value : place({}, rest.join("."), value) });
}

export function isGroup(value: unknown): value is SettingsTree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
