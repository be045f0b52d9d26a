import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Module } from "@disback/torch";
import { isGenerator } from "../distill/generator-student.js";
import type { StudentKind } from "../distill/student-kind.js";
import { DisbackError } from "../errors.js";
import { isTextToImageSource } from "../import/pipeline/text-to-image-source.js";
import { DenoiserModule } from "../models/denoiser.js";
import { fileError, writeFileAtomically } from "./atomic-file.js";
import { isCheckpointFile } from "./generator-model.js";
import { locateModel, shippedModel } from "./locate-model.js";
import { isModuleFile } from "./own-modules.js";

const FILE = "generator.json";
const FORMAT = "disback-generator-1";

/**
 * What makes a model a student; `undefined` for a teacher.
 * @param source folder, run, shipped name, or a file of the user's own, which says by itself if it makes samples
 * @throws DisbackError as `readStudentFile`
 */
export function studentKindOf(source: string, module: Module): StudentKind | undefined {
  const stored =
    isModuleFile(source) || isTextToImageSource(source) || isCheckpointFile(source) || /\.gguf$/i.test(source)
      ? undefined
      : readStudentFile(locateModel(source));
  if (stored) return stored;
  return !(module instanceof DenoiserModule) && isGenerator(module) ? { kind: "generator" } : undefined;
}

/** Writes `generator.json` beside a student's weights. */
export function writeStudentFile(modelFolder: string, kind: StudentKind): void {
  writeFileAtomically(
    join(modelFolder, FILE),
    `${JSON.stringify({ format: FORMAT, ...written(kind) }, null, 2)}\n`,
  );
}

function written(kind: StudentKind): object {
  if (kind.kind === "generator") return { kind: "generator" };
  const { sigmaInit, laterSigmas, anySteps } = kind;
  const any = anySteps ? { anySteps } : {};
  return laterSigmas.length === 0
    ? { kind: "one-step", sigmaInit, ...any }
    : { kind: "few-step", sigmaInit, laterSigmas, ...any };
}

/** Reads `generator.json`; `undefined` if there is none, for a teacher. */
export function readStudentFile(modelFolder: string): StudentKind | undefined {
  const path = join(modelFolder, FILE);
  if (!existsSync(path)) return undefined;
  let value: {
    format?: unknown;
    kind?: unknown;
    sigmaInit?: unknown;
    laterSigmas?: unknown;
    anySteps?: unknown;
  } | null;
  try {
    value = JSON.parse(readFileSync(path, "utf8")) as typeof value;
  } catch (error) {
    if (error instanceof SyntaxError) throw new DisbackError(`${path}: not valid JSON`);
    throw fileError("read", path, error);
  }
  if (value?.format !== FORMAT) throw new DisbackError(`${path}: "format" is not "${FORMAT}"`);
  if (value.kind === "generator") return { kind: "generator" };
  const { sigmaInit, laterSigmas = [] } = value;
  if (typeof sigmaInit !== "number" || !(sigmaInit > 0 && sigmaInit < Number.POSITIVE_INFINITY)) {
    throw new DisbackError(`${path}: "sigmaInit" must be a number greater than 0`);
  }
  if (!Array.isArray(laterSigmas) || !falling([sigmaInit, ...laterSigmas])) {
    throw new DisbackError(`${path}: "laterSigmas" must be noise levels that decrease from "sigmaInit"`);
  }
  return { kind: "denoiser", sigmaInit, laterSigmas, ...(value.anySteps === true ? { anySteps: true } : {}) };
}

/** Name of the shipped teacher of a shipped student; undefined for other models. */
export function shippedTeacherOf(name: string): string | undefined {
  const folder = shippedModel(name);
  const path = folder && join(folder, FILE);
  if (path === undefined || !existsSync(path)) return undefined;
  return (JSON.parse(readFileSync(path, "utf8")) as { teacher?: string }).teacher;
}

function falling(levels: unknown[]): levels is number[] {
  return levels.every(
    (level, index) =>
      typeof level === "number" && level > 0 && (index === 0 || level < (levels[index - 1] as number)),
  );
}
