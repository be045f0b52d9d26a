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

/** Settings as a YAML file for `--config`, each with its description. */
export function settingsToYaml(settings: SettingsTree, schema: z.ZodType): string {
  const descriptions = new Map(describeSettings(schema).map((entry) => [entry.path, entry.description]));
  const lines: string[] = [];
  const write = (tree: SettingsTree, prefix: string, indent: string) => {
    for (const [name, value] of Object.entries(tree)) {
      if (value === undefined) continue;
      if (isGroup(value) && Object.keys(value).length > 0) {
        lines.push(`${indent}${name}:`);
        write(value, `${prefix}${name}.`, `${indent}  `);
      } else {
        // JSON is YAML: numbers, texts and lists need no other notation.
        const comment = descriptions.get(`${prefix}${name}`);
        lines.push(`${indent}${name}: ${JSON.stringify(value)}${comment ? ` # ${comment}` : ""}`);
      }
    }
  };
  write(settings, "", "");
  return `${lines.join("\n")}\n`;
}
