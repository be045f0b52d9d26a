import { cpSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { DisbackError } from "../errors.js";
import { shellWord } from "../shell-word.js";
import type { ExportableModel } from "./exportable.js";
import { fileSize } from "./file-size.js";
import type { ExportFormat, ExportReport, FormatOptions } from "./format.js";
import { writeOnnx } from "./onnx.js";

/** Below this many bytes of a model, WebGPU's runtime takes longer to load than it saves. */
const LARGE = 16e6;
/** Files of the page that only WebGPU needs. */
const FOR_WEBGPU = /webgpu/;

/**
 * A folder for any static file server: a page, ONNX Runtime for browsers and the model. It loads nothing from
 * elsewhere.
 */
export const web: ExportFormat = {
  description: "a page that generates in the browser",
  async write(model, path, options) {
    if (model.decoder && !model.student)
      throw new DisbackError(
        "--format web: a page shows no teacher of latents; distil a student of it, or use onnx",
      );
    const page = pageFolder();
    mkdirSync(path);
    const { name, teacher } = model.shown ?? {};
    const report = await inOneFile(model, join(path, "model.onnx"), options);
    const race = teacher && (await inOneFile(teacher.model, join(path, "teacher.onnx"), options));
    const webgpu = options.webgpu ?? report.figures.bytes! > LARGE;
    cpSync(page, path, {
      recursive: true,
      filter: (source) => webgpu || !FOR_WEBGPU.test(basename(source)),
    });
    const site = {
      ...{ name, webgpu },
      ...(teacher ? { teacher: { file: "teacher.onnx", steps: teacher.steps } } : {}),
    };
    writeFileSync(join(path, "site.json"), `${JSON.stringify(site, null, 2)}\n`);
    const server = "python3 -m http.server --directory";
    return {
      facts: [
        ...report.facts,
        ...(race ? [["teacher", `${fileSize(race.figures.bytes!)}, loaded for the race only`] as const] : []),
        [
          "page",
          `${fileSize(sizeOf(path))} in all, WebAssembly ${webgpu ? "and WebGPU" : "(--webgpu adds WebGPU)"}`,
        ],
        ["serve it by", `any static file server, such as: ${server} ${shellWord(options.out ?? path)}`],
      ],
      figures: report.figures,
    };
  },
};

/** As `writeOnnx`. @throws DisbackError if the weights need a second file: no browser holds so many */
async function inOneFile(
  model: ExportableModel,
  path: string,
  options: FormatOptions,
): Promise<ExportReport> {
  const report = await writeOnnx(model, path, options);
  if (!existsSync(`${path}.data`)) return report;
  throw new DisbackError(
    `--format web: ${fileSize(report.figures.bytes!)} of weights are too many for a browser; try --precision f16, or --format onnx`,
  );
}

/** The folder of the built page. @throws DisbackError if it was not built */
function pageFolder(): string {
  const name = "@disback/web-demo/index.html";
  let page: string | undefined;
  try {
    page = createRequire(import.meta.url).resolve(name);
  } catch {
    // Reported below, with the remedy.
  }
  if (page === undefined || !existsSync(page)) {
    throw new DisbackError(`${name} is missing; build it with: npm run build -w @disback/web-demo`);
  }
  return dirname(page);
}

/** Bytes of all files in a folder. */
function sizeOf(folder: string): number {
  const names = readdirSync(folder, { recursive: true }) as string[];
  const files = names.map((name) => statSync(join(folder, name))).filter((file) => file.isFile());
  return files.reduce((sum, { size }) => sum + size, 0);
}
