import { Tensor } from "../tensor.js";
import type { Module } from "./module.js";

/**
 * A module's structure as text: its class, its plain settings and the shapes of its tensors, then all submodules
 * recursively.
 */
export function describeModule(module: Module, around: readonly Module[] = []): string {
  if (around.includes(module)) return "(itself)";
  const depth = around.length;
  const facts: string[] = [];
  const parts: string[] = [];
  const indent = "  ".repeat(depth + 1);
  const part = (name: string, value: Module) =>
    parts.push(`${indent}(${name}): ${describeModule(value, [...around, module])}`);
  const visit = (name: string, value: unknown): void => {
    if (value instanceof Tensor)
      facts.push(`${name}: ${value.disposed ? "disposed" : `[${value.shape.join(", ")}]`}`);
    else if (isModule(value)) part(name, value);
    else if (isPlain(value)) facts.push(`${name}: ${JSON.stringify(value)}`);
    else if (Array.isArray(value) || value?.constructor === Object)
      for (const [key, member] of Object.entries(value)) visit(`${name}.${key}`, member);
  };
  for (const [name, value] of module.members()) if (name !== "training") visit(name, value);
  const head = `${module.constructor.name}(${facts.join(", ")}`;
  return parts.length > 0
    ? `${head}${facts.length > 0 ? "," : ""}\n${parts.join("\n")}\n${"  ".repeat(depth)})`
    : `${head})`;
}

function isModule(value: unknown): value is Module {
  return typeof value === "object" && value !== null && "namedParameters" in value;
}

/** A number, word or flag, or an array of these. */
function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every((element) => isPlain(element));
  return typeof value === "number" || typeof value === "string" || typeof value === "boolean";
}
