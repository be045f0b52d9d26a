import { existsSync } from "node:fs";
import { DisbackError } from "../../errors.js";
import { didYouMean } from "../nearest.js";

/** @throws DisbackError if a start is no file @param more names of starts that only some teachers have */
export function requireStart(start: string, more: readonly string[] = []): void {
  if (existsSync(start)) return;
  const known = ["same", "untrained", "small", ...more];
  const files = more.length > 0 ? "file or folder" : "file";
  throw new DisbackError(
    `"student": "${start}" is none of ${known.join(", ")} and no ${files}${didYouMean(start, known)}`,
  );
}
