import { cpSync, existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { DisbackError } from "../errors.js";
import { shellWord } from "../shell-word.js";
import type { ExportFormat } from "./format.js";
import { writeOnnx } from "./onnx.js";

/** A folder for any static file server: a page, ONNX Runtime for browsers and the model, nothing from elsewhere. */
export const web: ExportFormat = {
  description: "a page that generates in the browser",
  async write(model, path, options) {
    cpSync(pageFolder(), path, { recursive: true });
    const report = await writeOnnx(model, join(path, "model.onnx"), options);
    const server = `any server of static files, such as: python3 -m http.server --directory ${shellWord(options.out ?? path)}`;
    return { ...report, facts: [...report.facts, ["to be served by", server]] };
  },
};

/** Where the built page lies. @throws DisbackError if it was not built */
function pageFolder(): string {
  const name = "@disback/web-demo/index.html";
  let page: string | undefined;
  try {
    page = createRequire(import.meta.url).resolve(name);
  } catch {
    // Told below, with the remedy.
  }
  if (page === undefined || !existsSync(page)) {
    throw new DisbackError(`${name} is not there; build it with: npm run build -w @disback/web-demo`);
  }
  return dirname(page);
}
