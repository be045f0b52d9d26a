import { isDeepStrictEqual } from "node:util";
import { unusedByObjective } from "@disback/studio/pages";
import { z } from "zod";
import { isGroup, type SettingsTree } from "./layers.js";

/** One setting for the documentation and `--show-settings`. */
export interface SettingDescription {
  /** Dotted path, `backtracking.iterations`. */
  path: string;
  description: string;
  default?: unknown;
}

/** Lists all settings of a schema, with flattened groups. */
export function describeSettings(schema: z.ZodType): SettingDescription[] {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return flatten(json as JsonSchema, "");
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  description?: string;
  default?: unknown;
}

function flatten(schema: JsonSchema, prefix: string): SettingDescription[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    property.properties
      ? flatten(property, `${prefix}${name}.`)
      : [
          {
            path: `${prefix}${name}`,
            description: property.description ?? "",
            ...(property.default === undefined ? {} : { default: property.default }),
          },
        ],
  );
}

/** Longest line of a file of settings, if its value allows it. */
const LINE = 110;

/**
 * Settings as a YAML file for `--config`, each with its description. What has no value stands there as a comment.
 *
 * @param options `missing`: paths of required settings without a value; `brief`: leave out the options of objectives
 *   that are not used, unless they were changed, and name them
 */
export function settingsToYaml(
  settings: SettingsTree,
  schema: z.ZodType,
  { missing = [], brief = false }: { missing?: readonly string[]; brief?: boolean } = {},
): string {
  const described = describeSettings(schema);
  const descriptions = new Map(described.map((entry) => [entry.path, entry.description]));
  const leftOut = brief ? unchangedOfOthers(settings, described) : [];
  const lines: string[] = [];
  const write = (tree: SettingsTree, prefix: string, indent: string) => {
    // In the schema's order, and then what it does not name: lists of networks' options.
    for (const name of new Set([...namesBelow(described, prefix), ...Object.keys(tree)])) {
      const path = `${prefix}${name}`;
      if (leftOut.includes(path)) continue;
      const value = missing.includes(path) ? undefined : tree[name];
      const text = descriptions.get(path);
      if (value === undefined) {
        // A group without a value, such as the network, has no line of its own.
        if (text === undefined) continue;
        lines.push(...withComment(`# ${name}:${missing.includes(path) ? " (required)" : ""}`, text, indent));
      } else if (isGroup(value) && Object.keys(value).length > 0) {
        lines.push(`${indent}${name}:`);
        write(value, `${path}.`, `${indent}  `);
      } else {
        // JSON is YAML: numbers, texts and lists need no other notation.
        lines.push(...withComment(`${name}: ${JSON.stringify(value)}`, text, indent));
      }
    }
    if (prefix === "backtracking." && leftOut.length > 0) {
      const names = leftOut.map((path) => path.slice(prefix.length)).join(", ");
      lines.push(
        ...comment(`of other objectives, not shown: ${names}; give --objective NAME to see them`, indent),
      );
    }
  };
  write(settings, "", "");
  return `${lines.join("\n")}\n`;
}

/** The description behind the line, or above it if that would be too long. */
function withComment(line: string, text: string | undefined, indent: string): string[] {
  const together = `${indent}${line}${text ? ` # ${text}` : ""}`;
  return together.length <= LINE || !text ? [together] : [...comment(text, indent), `${indent}${line}`];
}

/** Text as comments of at most `LINE` characters. */
function comment(text: string, indent: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= LINE) lines.push(`${lines.pop()} ${word}`);
    else lines.push(`${indent}# ${word}`);
  }
  return lines;
}

/** Paths of the groups of other objectives in which nothing was changed. */
function unchangedOfOthers(
  { backtracking }: SettingsTree,
  described: readonly SettingDescription[],
): string[] {
  if (!isGroup(backtracking)) return [];
  return unusedByObjective(backtracking)
    .filter((name) => isGroup(backtracking[name]))
    .filter((name) =>
      Object.entries(backtracking[name] as SettingsTree).every(([option, value]) => {
        const entry = described.find(({ path }) => path === `backtracking.${name}.${option}`);
        return isDeepStrictEqual(entry?.default, value);
      }),
    )
    .map((name) => `backtracking.${name}`);
}

/** The names of the settings and groups below a group. */
function namesBelow(described: readonly SettingDescription[], prefix: string): string[] {
  return described.flatMap(({ path }) =>
    path.startsWith(prefix) ? [path.slice(prefix.length).split(".")[0]!] : [],
  );
}
