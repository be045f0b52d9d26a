import { existsSync } from "node:fs";
import { join } from "node:path";
import { dataTitle } from "@disback/studio/pages";
import { DenoiserStudent } from "../../distill/denoiser-student.js";
import { DisbackError } from "../../errors.js";
import { type ExportableModel, exportableModel, type ShownFacts } from "../../export/exportable.js";
import type { ExportReport, FormatOptions } from "../../export/format.js";
import { type ExportFormatName, exportFormats } from "../../export/formats.js";
import { requireSameKind } from "../../models/facts.js";
import { locateModel } from "../locate-model.js";
import { openModel } from "../open-model.js";
import { makeInPlace, type OutputPlace, refuseOccupied } from "../output-place.js";
import { isModuleFile } from "../own-modules.js";
import { type RunRecord, readRunRecord } from "../run-record.js";
import { readStudentFile } from "../student-file.js";

/** How a model is exported. */
export interface ExportOptions extends OutputPlace, Omit<FormatOptions, "out"> {
  format: ExportFormatName;
  /** of a page: the teacher that a student is raced against; the run's own when not given, none with false */
  teacher?: string | false;
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
  const opened = await openExportable(source);
  const model =
    options.format === "web" ? { ...opened, shown: await shownFacts(source, opened, options) } : opened;
  const report = await makeInPlace(options, (partial) =>
    exportFormats[options.format].write(model, partial, options),
  );
  return { kind: model.student ? "student" : "teacher", ...report };
}

async function openExportable(source: string, unconditional = false): Promise<ExportableModel> {
  const model = await openModel(source, { device: "cpu", unconditional });
  const kind = isModuleFile(source) ? undefined : readStudentFile(locateModel(source));
  return exportableModel(model, kind);
}

/** What a page tells people of a model: its name, and the teacher to race it against. */
async function shownFacts(
  source: string,
  model: ExportableModel,
  options: ExportOptions,
): Promise<ShownFacts> {
  const record = runOf(source);
  // Only a denoiser starts from the noise that its teacher starts from.
  const races = model.student instanceof DenoiserStudent;
  const teacher = races ? await teacherOf(record, model, options) : undefined;
  return {
    name: dataTitle(record ?? { command: "", settings: { teacher: source } }),
    ...(teacher ? { teacher } : {}),
  };
}

/** The record of the run that a model belongs to. */
function runOf(source: string): RunRecord | undefined {
  const path = [source, join(source, "..")].map((folder) => join(folder, "run.json")).find(existsSync);
  return path === undefined ? undefined : readRunRecord(path);
}

/** @throws DisbackError when a teacher was asked for by name and cannot be exported with this student */
async function teacherOf(
  record: RunRecord | undefined,
  student: ExportableModel,
  { teacher: wanted, progress }: ExportOptions,
): Promise<ShownFacts["teacher"]> {
  const { teacher: own, unconditional, evaluation } = (record?.settings ?? {}) as TeacherSettings;
  const source = wanted ?? own;
  if (source === undefined || source === false) return undefined;
  try {
    const model = await openExportable(source, unconditional ?? false);
    if (model.student) throw new DisbackError(`${source}: a student, no teacher`);
    requireSameKind(student.facts, model.facts, `--teacher ${source}: the student`);
    return { model, steps: evaluation?.teacherSteps ?? 18 };
  } catch (error) {
    if (wanted !== undefined || !(error instanceof DisbackError)) throw error;
    progress.notice(`no race against the teacher: ${error.message}`);
    return undefined;
  }
}

/** What is read of a run's settings. */
interface TeacherSettings {
  teacher?: string;
  unconditional?: boolean;
  evaluation?: { teacherSteps?: number };
}
