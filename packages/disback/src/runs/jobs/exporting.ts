import { type ExportableModel, exportableModel } from "../../export/exportable.js";
import type { ExportReport, FormatOptions } from "../../export/format.js";
import { type ExportFormatName, exportFormats } from "../../export/formats.js";
import { readGeneratorFile } from "../generator-file.js";
import { locateModel } from "../locate-model.js";
import { openModel } from "../open-model.js";
import { makeInPlace, type OutputPlace, refuseOccupied } from "../output-place.js";

/** How a model is exported. */
export interface ExportOptions extends OutputPlace, FormatOptions {
  format: ExportFormatName;
}

/** What an export found and wrote. */
export interface ExportedModel extends ExportReport {
  kind: "student" | "teacher";
}

/**
 * Writes a student or a teacher in a format that others read. The file or folder appears when all of it is there and
 * has been checked, or not at all.
 * @param source a model folder, a run, or a shipped teacher
 * @throws DisbackError naming what is wrong with the model, the format or the place
 */
export async function exportModel(source: string, options: ExportOptions): Promise<ExportedModel> {
  refuseOccupied(options);
  const model = openExportable(source);
  const report = await makeInPlace(options, (partial) =>
    exportFormats[options.format].write(model, partial, options),
  );
  return { kind: model.generator ? "student" : "teacher", ...report };
}

function openExportable(source: string): ExportableModel {
  const { denoiser, config } = openModel(source, { device: "cpu" });
  return exportableModel(denoiser, config, readGeneratorFile(locateModel(source)));
}
