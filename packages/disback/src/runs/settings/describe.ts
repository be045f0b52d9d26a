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

/**
 * Settings as a YAML file for `--config`, each with its description. What has no value stands there as a comment.
 *
 * @param missing paths of required settings without a value
 */
export function settingsToYaml(
  settings: SettingsTree,
  schema: z.ZodType,
  missing: readonly string[] = [],
): string {
  const described = describeSettings(schema);
  const descriptions = new Map(described.map((entry) => [entry.path, entry.description]));
  const lines: string[] = [];
  const write = (tree: SettingsTree, prefix: string, indent: string) => {
    // In the schema's order, and then what it does not name: lists of networks' options.
    for (const name of new Set([...namesBelow(described, prefix), ...Object.keys(tree)])) {
      const path = `${prefix}${name}`;
      const value = missing.includes(path) ? undefined : tree[name];
      const text = descriptions.get(path);
      if (value === undefined) {
        // A group without a value, such as the network, has no line of its own.
        if (text === undefined) continue;
        lines.push(
          `${indent}# ${name}: ${missing.includes(path) ? "(required)" : ""} # ${text}`.replace(
            ":  #",
            ": #",
          ),
        );
      } else if (isGroup(value) && Object.keys(value).length > 0) {
        lines.push(`${indent}${name}:`);
        write(value, `${path}.`, `${indent}  `);
      } else {
        // JSON is YAML: numbers, texts and lists need no other notation.
        lines.push(`${indent}${name}: ${JSON.stringify(value)}${text ? ` # ${text}` : ""}`);
      }
    }
  };
  write(settings, "", "");
  return `${lines.join("\n")}\n`;
}

/** The names of the settings and groups below a group. */
function namesBelow(described: readonly SettingDescription[], prefix: string): string[] {
  return described.flatMap(({ path }) =>
    path.startsWith(prefix) ? [path.slice(prefix.length).split(".")[0]!] : [],
  );
}
