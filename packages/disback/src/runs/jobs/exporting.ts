import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { dataTitle } from "@disback/studio/pages";
import type { Module } from "@disback/torch";
import { DenoiserStudent } from "../../distill/denoiser-student.js";
import { DisbackError, UsageError } from "../../errors.js";
import { writeDiffusersAutoencoder } from "../../export/diffusers/write-autoencoder.js";
import { type ExportableModel, exportableModel, type ShownFacts } from "../../export/exportable.js";
import type { ExportReport, FormatOptions } from "../../export/format.js";
import { type ExportFormatName, exportFormats } from "../../export/formats.js";
import { openDecoder } from "../../import/open-decoder.js";
import { isTextToImageSource, type PipelineChoice } from "../../import/pipeline/text-to-image-source.js";
import { loadAutoencoder } from "../../models/autoencoder/storage.js";
import { requireSameKind } from "../../models/facts.js";
import { LanguageModel } from "../../models/language/language-model.js";
import { TaskDenoiser } from "../../models/tasks/task-denoiser.js";
import { locateModel } from "../locate-model.js";
import { autoencoderPlace, isAutoencoderFolder } from "../open-autoencoder.js";
import { openAdapters, openModel } from "../open-model.js";
import type { OpenedModel, OpeningOptions } from "../opened-model.js";
import { makeInPlace, type OutputPlace, refuseOccupied } from "../output-place.js";
import { type RunRecord, readRunRecord } from "../run-record.js";
import { shippedTeacherOf, studentKindOf } from "../student-file.js";
import { readTextEncoder, usualGuidance } from "../text-encoder.js";

/** Options of an export. */
export interface ExportOptions extends OutputPlace, Omit<FormatOptions, "out" | "onPart"> {
  format: ExportFormatName;
  /** how a pipeline is opened */
  pipeline?: PipelineChoice;
  /** web: teacher to race against the student; default the run's own, false for none */
  teacher?: string | false;
  /** onnx, web: folder of a decoder for a model of latents, such as an AutoencoderTiny; default the model's own */
  decoder?: string;
}

/** The result of an export. */
export interface ExportedModel extends ExportReport {
  kind: "student" | "teacher";
}

/**
 * Writes a student or a teacher in a foreign format. The file or folder appears only when it is complete and checked.
 * @param source a model folder, a run, or a shipped name @throws DisbackError naming what is wrong with the model,
 * the format or the output path
 */
export async function exportModel(source: string, options: ExportOptions): Promise<ExportedModel> {
  refuseOccupied(options);
  const folder = autoencoderAlone(source);
  if (folder !== undefined) return exportAutoencoder(folder, source, options);
  const onPart = (what: string) => options.progress.remark?.(what);
  onPart(`reading ${source}`);
  const { pipeline } = options;
  const opened =
    options.format === "lora"
      ? await openLora(source)
      : await openExportable(source, { pipeline, decoder: decoderFor(options), format: options.format });
  requireShowable(opened, options.format);
  const model =
    options.format === "web" ? { ...opened, shown: await shownFacts(source, opened, options) } : opened;
  const report = await makeInPlace(options, (partial) =>
    exportFormats[options.format].write(model, partial, { ...options, onPart }),
  );
  return { kind: model.student ? "student" : "teacher", ...report };
}

/** The folder of an autoencoder of ours by itself; undefined for other sources. */
function autoencoderAlone(source: string): string | undefined {
  if (!existsSync(source) || !statSync(source).isDirectory() || isTextToImageSource(source)) return undefined;
  const folder = locateModel(source);
  return isAutoencoderFolder(folder) ? folder : undefined;
}

/** @throws UsageError if the format takes no autoencoder */
async function exportAutoencoder(
  folder: string,
  source: string,
  options: ExportOptions,
): Promise<ExportedModel> {
  const { format, precision } = options;
  if (format !== "diffusers")
    throw new UsageError(
      `--format ${format}: ${source} is an autoencoder, which is written for diffusers; for a page or ONNX give it as the --decoder of a model of latents`,
    );
  const autoencoder = loadAutoencoder(folder);
  const report = await makeInPlace(options, (partial) =>
    writeDiffusersAutoencoder(partial, autoencoder, precision),
  );
  return { kind: autoencoder.config.autoencoder === "tiny" ? "student" : "teacher", ...report };
}

/** @throws UsageError for a model of texts that the format does not take */
function requireShowable(model: ExportableModel, format: ExportFormatName): void {
  requireOneTask(model, format);
  const { module, config } = model;
  if (module instanceof LanguageModel && format !== "safetensors")
    throw new UsageError(
      `--format ${format}: not for language models; their folder is one of transformers already, and safetensors takes the weights`,
    );
  const texts = config?.network === "text-transformer" || config?.network === "pair-unet";
  if (texts && format === "web")
    throw new UsageError("--format web: a page shows pictures, no texts; use onnx or safetensors");
}

async function openExportable(
  source: string,
  {
    decoder: given,
    format,
    ...options
  }: Pick<OpeningOptions, "unconditional" | "pipeline"> & {
    decoder?: string | undefined;
    format?: ExportFormatName;
  },
): Promise<ExportableModel> {
  const model = await openModel(source, { device: "cpu", weightsOnly: true, ...options });
  const { decoder: own } = model.codec;
  if (given !== undefined && !own)
    throw new UsageError(`--decoder: ${source} makes its samples itself, so there is nothing to decode`);
  const decoder =
    given === undefined ? own : await openDecoder(autoencoderPlace(given), model.facts.sampleShape);
  const base = format === "diffusers" ? pipelineOf(source, model, options.pipeline) : undefined;
  return { ...exportable(source, model, base), decoder, ...(base ? { pipeline: base } : {}) };
}

/** The pipeline that a model was made from, and how it was opened; `undefined` for one that is told no pipeline's prompts. */
function pipelineOf(source: string, model: OpenedModel<Module>, choice: PipelineChoice = {}) {
  if (!model.facts.condition.text) return undefined;
  if (isTextToImageSource(source)) return { path: source, choice };
  const { pipeline: path, choice: made } = readTextEncoder(locateModel(source));
  return { path, choice: made };
}

/** @throws UsageError if the format takes no decoder */
function decoderFor({ decoder, format }: ExportOptions): string | undefined {
  if (decoder !== undefined && format !== "onnx" && format !== "web")
    throw new UsageError(`--decoder: only for the formats onnx and web, not ${format}`);
  return decoder;
}

async function openLora(source: string): Promise<ExportableModel> {
  return exportable(source, await openAdapters(source, "cpu"));
}

/** Nothing is drawn from a model that is told prompts, so none are encoded. */
function exportable(
  source: string,
  model: OpenedModel<Module>,
  pipeline?: ExportableModel["pipeline"],
): ExportableModel {
  const { text, guidance } = model.facts.condition;
  const prompts = text ? { draw: () => undefined } : undefined;
  const choice = pipeline?.choice ?? model.encoder?.choice;
  const scale = choice?.embeddedGuidance ?? usualGuidance;
  return {
    ...exportableModel({ ...model, ...(prompts ? { prompts } : {}) }, studentKindOf(source, model.module)),
    ...(guidance ? { embeddedGuidance: scale } : {}),
  };
}

/** A page's facts about a model: its name, and the teacher to race. */
async function shownFacts(
  source: string,
  model: ExportableModel,
  options: ExportOptions,
): Promise<ShownFacts> {
  const record = runOf(source);
  // Only a denoiser starts from the same noise as its teacher; teachers of latents are not drawn on a page.
  const races = model.student instanceof DenoiserStudent && !model.decoder;
  const teacher = races ? await teacherOf(source, record, model, options) : undefined;
  return {
    name: dataTitle(record ?? { command: "", settings: { teacher: source } }),
    ...(teacher ? { teacher } : {}),
  };
}

/** The record of a model's run. */
function runOf(source: string): RunRecord | undefined {
  const path = [source, join(source, "..")].map((folder) => join(folder, "run.json")).find(existsSync);
  return path === undefined ? undefined : readRunRecord(path);
}

/** @throws DisbackError if a teacher was given explicitly and cannot be exported with this student */
async function teacherOf(
  shown: string,
  record: RunRecord | undefined,
  student: ExportableModel,
  { teacher: wanted, progress }: ExportOptions,
): Promise<ShownFacts["teacher"]> {
  const { teacher: own, unconditional, evaluation } = (record?.settings ?? {}) as TeacherSettings;
  const source = wanted ?? own ?? shippedTeacherOf(shown);
  if (source === undefined || source === false) return undefined;
  try {
    const model = await openExportable(source, { unconditional: unconditional ?? false });
    if (model.student) throw new DisbackError(`${source}: this is a student, not a teacher`);
    requireOneTask(model, "web");
    requireSameKind(student.facts, model.facts, `--teacher ${source}: the student`);
    return { model, steps: evaluation?.teacherSteps ?? 18 };
  } catch (error) {
    if (wanted !== undefined || !(error instanceof DisbackError)) throw error;
    progress.notice(`no race against the teacher: ${error.message}`);
    return undefined;
  }
}

/** @throws DisbackError for teachers of several tasks, each of which is a network of its own */
function requireOneTask({ module }: ExportableModel, format: ExportFormatName): void {
  if (module instanceof TaskDenoiser)
    throw new DisbackError(
      `--format ${format}: not for the teachers of several tasks; export each, or a student of all`,
    );
}

/** The settings of a run that are needed here. */
interface TeacherSettings {
  teacher?: string;
  unconditional?: boolean;
  evaluation?: { teacherSteps?: number };
}
