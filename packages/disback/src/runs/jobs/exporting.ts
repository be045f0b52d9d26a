import { type ExportableModel, exportableModel } from "../../export/exportable.js";
import type { ExportReport, FormatOptions } from "../../export/format.js";
import { type ExportFormatName, exportFormats } from "../../export/formats.js";
import { locateModel } from "../locate-model.js";
import { openModel } from "../open-model.js";
import { makeInPlace, type OutputPlace, refuseOccupied } from "../output-place.js";
import { isModuleFile } from "../own-modules.js";
import { readStudentFile } from "../student-file.js";

/** How a model is exported. */
export interface ExportOptions extends OutputPlace, Omit<FormatOptions, "out"> {
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
  const model = await openExportable(source);
  const report = await makeInPlace(options, (partial) =>
    exportFormats[options.format].write(model, partial, options),
  );
  return { kind: model.student ? "student" : "teacher", ...report };
}

async function openExportable(source: string): Promise<ExportableModel> {
  const model = await openModel(source, { device: "cpu" });
  const kind = isModuleFile(source) ? undefined : readStudentFile(locateModel(source));
  return exportableModel(model, kind);
}
