import type { z } from "zod";
import { didYouMean } from "../nearest.js";

/**
 * The first error in settings, in one line that names the field: `"backtracking.iterations" must be at least 1, got 0`.
 */
export function describeIssue(error: z.ZodError, settings: unknown, knownPaths: readonly string[]): string {
  const issue = error.issues[0]!;
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const unknown = [...path, issue.keys[0]!].join(".");
    return `unknown setting "${unknown}"${meant(unknown, path, knownPaths)}`;
  }
  const value = path.reduce<unknown>(
    (tree, name) => (tree as Record<string, unknown> | undefined)?.[name],
    settings,
  );
  const field = `"${path.join(".")}"`;
  if (value === undefined && issue.code === "invalid_type") return `${field} is required`;
  // Messages of our own checks are complete.
  if (issue.code === "custom") return `${field} ${issue.message}`;
  return `${field} ${expectation(issue)}, got ${shown(value)}`;
}

/** A suggestion for an unknown setting: a name in its group, or a path anywhere. */
function meant(unknown: string, group: readonly string[], knownPaths: readonly string[]): string {
  const depth = group.length + 1;
  const beside = knownPaths
    .map((path) => path.split(".").slice(0, depth))
    .filter((words) => words.length === depth && group.every((word, index) => word === words[index]))
    .map((words) => words.join("."));
  return didYouMean(unknown, beside) || didYouMean(unknown, knownPaths);
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "too_small":
      return `must be ${issue.inclusive === false ? "greater than" : "at least"} ${issue.minimum}`;
    case "too_big":
      return `must be ${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}`;
    case "invalid_type":
      return `must be ${TYPE_NAMES[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    default:
      return issue.message;
  }
}

const TYPE_NAMES: Record<string, string> = {
  int: "a whole number",
  number: "a number",
  string: "text",
  boolean: "true or false",
  array: "a list",
  object: "a group of settings",
};

function shown(value: unknown): string {
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
