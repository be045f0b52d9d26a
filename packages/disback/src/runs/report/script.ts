import { readFileSync } from "node:fs";

const SCRIPT = new URL("../../../assets/report/viewer.js", import.meta.url);

/** The script of pages with results: slider, enlarging and values under the pointer. */
export function viewerScript(): string {
  return readFileSync(SCRIPT, "utf8");
}
