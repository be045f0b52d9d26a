import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { compareMethods } from "../../compare/comparison.js";
import { withCosts } from "../../compare/convergence.js";
import { DisbackError } from "../../errors.js";
import { BEST_BY } from "../best-model.js";
import { locateModel } from "../locate-model.js";
import { isModuleFile } from "../own-modules.js";
import { readRunRecord } from "../run-record.js";
import { type CompareSettings, methodsOf } from "../settings/compare.js";
import { measure } from "./child-run.js";
import { COMPARISON_FORMAT, type ComparisonDocument, type MethodRuns, type StudentCase } from "./document.js";
import type { ChildRun } from "./plan.js";
import type { Sweep } from "./sweep.js";

/** The compared figure: the requested one, else FID, else the distance of points. */
export function figureOf(settings: CompareSettings, teacher: Record<string, number>): string {
  const figure = settings.figure ?? BEST_BY.find((name) => name in teacher);
  if (figure === undefined || teacher[figure] === undefined) {
    throw new DisbackError(`"figure": must be one of the evaluation's ${Object.keys(teacher).join(", ")}`);
  }
  return figure;
}

/** Reads all runs, compares the methods, and collects everything in one document. */
export function buildDocument(
  settings: CompareSettings,
  options: { out: string; preset?: string },
  runs: readonly ChildRun[],
  teacher: Record<string, number>,
  sweep: Sweep | undefined,
): ComparisonDocument {
  const { out } = options;
  const figure = figureOf(settings, teacher);
  const records = runs.map((run) => readRunRecord(join(out, run.folder, "run.json")));
  const { versions, machine } = records[0]!;
  const measuredWith = records.find((record) => record.result?.measuredWith)?.result?.measuredWith;
  return {
    format: COMPARISON_FORMAT,
    ...(options.preset === undefined ? {} : { preset: options.preset }),
    settings,
    figure,
    teacher,
    measuredWith: typeof measuredWith === "string" ? measuredWith : "",
    versions,
    machine,
    cases: settings.students.map((student): StudentCase => {
      const methods = methodsOf(settings).map((method): MethodRuns => {
        const own = runs.filter((run) => run.student === student && run.method === method);
        const convergence = withCosts(own.map((run) => measure(out, run)));
        return {
          method,
          rates: own[0]!.rates,
          convergence: convergence.map((one, index) => ({ ...one, folder: own[index]!.folder })),
          ...sweep?.(student, method),
        };
      });
      const compared = compareMethods(new Map(methods.map((one) => [one.method, one.convergence])), {
        figure,
        teacher: teacher[figure]!,
        baseline: settings.baseline,
        fractions: settings.levels,
      });
      return { student, models: modelsOf(settings, out, runs, student), ...compared, runs: methods };
    }),
  };
}

function modelsOf(
  settings: CompareSettings,
  out: string,
  runs: readonly ChildRun[],
  student: string,
): StudentCase["models"] {
  const size = (folder: string) => statSync(join(folder, "model.safetensors")).size;
  const { teacher } = settings;
  const models = isModuleFile(teacher) ? {} : { teacherBytes: size(locateModel(teacher)) };
  const finished = runs.find(
    (run) => run.student === student && existsSync(join(out, run.folder, "student", "model.safetensors")),
  );
  if (!finished) return models;
  const { result } = readRunRecord(join(out, finished.folder, "run.json"));
  return {
    ...models,
    studentBytes: size(join(out, finished.folder, "student")),
    ...(typeof result?.studentRate === "number" ? { samplesPerSecond: result.studentRate } : {}),
  };
}
