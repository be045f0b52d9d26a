import { statSync } from "node:fs";
import { join } from "node:path";
import { type Device, Generator, type Module, manualSeed } from "@disback/torch";
import { adaptersOn } from "../../distill/adapter-nodes.js";
import { evenAngles } from "../../distill/denoiser-student.js";
import type { Student } from "../../distill/student.js";
import { studentFrom } from "../../distill/student-kind.js";
import { DisbackError } from "../../errors.js";
import { isTextToImageSource } from "../../import/pipeline/text-to-image-source.js";
import type { AdaptedLayers } from "../../models/adapters/low-rank-denoiser.js";
import { streamBase } from "../../models/adapters/streamed-base.js";
import { computing } from "../../models/computation.js";
import {
  createDenoiser,
  type DenoiserConfig,
  denoiserConfig,
  factsOf,
  isOfPipeline,
  parseDenoiserConfig,
} from "../../models/config.js";
import { DenoiserModule } from "../../models/denoiser.js";
import { requireSameKind } from "../../models/facts.js";
import { createGenerator } from "../../models/generators/create-generator.js";
import { LanguageModel } from "../../models/language/language-model.js";
import { PreconditionedDenoiser } from "../../models/preconditioning/preconditioned.js";
import { jointStart } from "../../models/tasks/joint-network.js";
import { TaskAdapters } from "../../models/tasks/task-adapters.js";
import { TaskDenoiser } from "../../models/tasks/task-denoiser.js";
import { intervalConfig, withInterval } from "../../models/with-interval.js";
import { fingerprint, keepingFingerprint } from "../../training/hashing.js";
import { adaptersOnModel } from "../adapter-folder.js";
import { cacheFolder } from "../cache-folder.js";
import { type ComputationSettings, computationOf } from "../computation.js";
import { generatorModel } from "../generator-model.js";
import { openModel } from "../open-model.js";
import { configured, type OpenedModel } from "../opened-model.js";
import { isModuleFile, openModuleFile } from "../own-modules.js";
import { type PipelineSettings, pipelineChoiceOf } from "../pipeline-choice.js";
import { promptsFrom } from "../prompts.js";
import type { ObjectiveName } from "../settings/objective-names.js";
import { readSettingsFile } from "../settings/resolve.js";
import { taskAdaptersModel } from "../task-folder.js";
import { type HalfSettings, openHalves, refuseHalf } from "./autoencoder-networks.js";
import {
  generatorConfigFor,
  generatorStudents,
  makeGeneratorStudent,
  refuseSizesWithoutUse,
} from "./generator-student.js";
import { makeLanguageStudent } from "./language-student.js";
import { requireObjectiveFor } from "./objective.js";
import { requireStart } from "./student-start.js";

/** Settings of the networks of a distillation. */
export interface NetworkSettings extends ComputationSettings, PipelineSettings, HalfSettings {
  unconditional: boolean;
  /** Tokens of a text, for a language model. */
  textLength?: number | undefined;
  /** Sizes of a generator from a vector. */
  latentSize?: number | undefined;
  /** Rank of adapters on the teacher, if the student is that. */
  rank?: number | undefined;
  /** Layers of the teacher that get an adapter. */
  adaptedLayers?: AdaptedLayers | undefined;
  /** Prompts to train with, or where they are. */
  prompts?: string | undefined;
  /** the objective decides what the student's network must take */
  backtracking?: { objective: ObjectiveName };
}

/** A teacher, a denoiser or a generator, and a student before its first step. */
export interface Networks {
  teacher: OpenedModel<Module>;
  student: OpenedModel<Module>;
}

/** Opens the teacher and makes the student. @throws DisbackError if something is missing, damaged or does not fit */
export async function openNetworks(
  settings: NetworkSettings,
  notice: (line: string) => void,
): Promise<Networks> {
  const { half } = settings;
  if (half !== undefined) return openHalves({ ...settings, half }, notice);
  refuseHalf(settings);
  refuseSizesWithoutUse(settings);
  const teacher = await openTeacher(settings);
  const { rank } = settings;
  if (!isDenoiserModel(teacher)) {
    const language = teacher.module instanceof LanguageModel;
    if (rank !== undefined)
      throw new DisbackError(
        `"rank": adapters stand on denoisers, ${language ? "not on a language model" : "and this teacher is a generator"}`,
      );
    const student = language
      ? makeLanguageStudent(settings, teacher as OpenedModel<LanguageModel>)
      : await makeGeneratorStudent(settings, teacher);
    return { teacher, student };
  }
  if (rank === undefined) return { teacher, student: await makeStudent(settings, teacher) };
  requireTeachersStart(settings);
  if (teacher.module instanceof TaskDenoiser)
    return { teacher, student: adaptedTasks(settings, rank, teacher, teacher.module) };
  const known = fingerprint(teacher.module);
  halveBase(teacher.module, settings);
  if (settings.offload) moveBaseOut(teacher.module, settings);
  return { teacher, student: adaptedTeacher(settings, rank, teacher, known) };
}

/** Loads the teacher, frozen, with the settings' computation. */
async function openTeacher(settings: NetworkSettings): Promise<OpenedModel<Module>> {
  const { teacher: source, unconditional } = settings;
  const how = computationOf(settings);
  const prompts = await promptsFrom({ prompts: settings.prompts });
  // Of other teachers, it is the size of the data's pictures.
  const { resolution: _, textLength, ...rest } = settings;
  const pipeline = pipelineChoiceOf(isTextToImageSource(source) ? settings : rest);
  const device = settings.device as Device;
  const teacher = await openModel(source, { device, unconditional, prompts, textLength, pipeline });
  if (isDenoiserModel(teacher)) computing(teacher.module, how);
  const { objective } = settings.backtracking ?? {};
  if (objective) requireObjectiveFor(objective, teacher.module);
  teacher.module.requiresGrad_(false);
  return teacher;
}

/** Whether a model is a denoiser, not a generator. */
export function isDenoiserModel(model: OpenedModel<Module>): model is OpenedModel {
  return model.module instanceof DenoiserModule;
}

/** A frozen base in bf16 needs no second copy of its weights, so it is not mixed precision: half the memory. */
function halveBase(base: DenoiserModule, { precision }: NetworkSettings): void {
  if (precision !== "bf16" || !(base instanceof PreconditionedDenoiser)) return;
  base.precision = "f32";
  base.to({ dtype: "bfloat16" });
}

/** The base's weights are fetched when they are used: from host memory for a GPU, else from a file that runs share. */
function moveBaseOut(base: DenoiserModule, { device }: NetworkSettings): void {
  const file = join(cacheFolder("bases"), `${fingerprint(base)}.safetensors`);
  keepingFingerprint(base, () => streamBase(base, device === "cpu" ? { file } : "host"));
}

/**
 * The student's initial network.
 *
 * @param settings `student` is one of: `same` (the teacher's weights), `untrained` (the teacher's network, random
 *   weights), `small` (random weights, half the channels), a generator from a vector, a model's folder, a file with a
 *   model's configuration, or an ES module
 */
async function makeStudent(settings: NetworkSettings, teacher: OpenedModel): Promise<OpenedModel<Module>> {
  const { student: start, seed } = settings;
  const device = settings.device as Device;
  const takesInterval = settings.backtracking?.objective === "meanflow";
  if (start === "same" && takesInterval) {
    if (teacher.module instanceof TaskDenoiser)
      throw new DisbackError('"objective": meanflow starts with one teacher\'s weights, not with several');
    const wide = withInterval(teacher.module, requireConfig(teacher, start));
    return configured(
      { ...wide, denoiser: computing(wide.denoiser, computationOf(settings)) },
      teacher.codec,
    );
  }
  const how = computationOf(settings);
  if (start === "same" && teacher.module instanceof TaskDenoiser) {
    const joint = jointStart(teacher.module, requireConfig(teacher, start), seed);
    return configured({ ...joint, denoiser: computing(joint.denoiser, how) }, teacher.codec);
  }
  if (start === "same") return { ...teacher, module: teacher.module.clone().requiresGrad_(true) };
  if (isModuleFile(start)) {
    // Weights that it draws follow the run's seed.
    manualSeed(seed);
    const own = await openModuleFile(start, device);
    requireSameKind(own.facts, teacher.facts, start);
    if (own.module instanceof DenoiserModule) computing(own.module, how);
    return own;
  }
  const found = generatorConfigFor(settings, teacher);
  if (found) {
    const generator = createGenerator(found, { generator: new Generator(seed) });
    return generatorModel({ generator: generator.to({ device }).eval(), config: found }, teacher.codec);
  }
  if (statSync(start, { throwIfNoEntry: false })?.isDirectory()) {
    const brought = await openModel(start, { device });
    requireSameKind(brought.facts, teacher.facts, start);
    if (brought.module instanceof DenoiserModule) computing(brought.module, how);
    brought.module.requiresGrad_(true);
    return brought;
  }
  const own = studentConfig(start, teacher);
  const config = takesInterval ? intervalConfig(own) : own;
  const denoiser = createDenoiser(config, { generator: new Generator(seed) });
  denoiser.to({ device }).eval();
  computing(denoiser, how);
  return {
    ...configured({ denoiser, config }, teacher.codec),
    ...(teacher.prompts ? { prompts: teacher.prompts } : {}),
  };
}

function requireTeachersStart({ student }: NetworkSettings): void {
  if (student !== "same")
    throw new DisbackError(
      `"rank": adapters stand on the teacher, so the student cannot start as "${student}"`,
    );
}

/** One base for all tasks, the first teacher's weights, with adapters of its own for each. */
function adaptedTasks(
  settings: NetworkSettings,
  rank: number,
  teacher: OpenedModel,
  tasks: TaskDenoiser,
): OpenedModel {
  const { student, adaptedLayers: layers, seed, offload } = settings;
  const joint = jointStart(tasks, requireConfig(teacher, student), seed, { shared: true });
  const base = computing(joint.denoiser, computationOf(settings));
  halveBase(base, settings);
  if (offload) for (const network of [tasks, base]) moveBaseOut(network, settings);
  const options = { rank, ...(layers ? { layers } : {}), generator: new Generator(seed) };
  return taskAdaptersModel(new TaskAdapters(base, options), joint.config);
}

function adaptedTeacher(
  { teacher: source, unconditional, adaptedLayers, seed }: NetworkSettings,
  rank: number,
  teacher: OpenedModel,
  fingerprint: string,
): OpenedModel {
  const adapters = adaptersOn(teacher.module, { rank, layers: adaptedLayers }, seed);
  return adaptersOnModel(teacher, adapters, { source, unconditional, fingerprint });
}

/** The noise levels of the student's steps. */
export interface StudentSteps {
  sigmaInit: number;
  studentSteps: number;
  studentSigmas?: number[] | undefined;
}

/** The student that runs a network. @throws DisbackError if the numbers of noise levels and steps do not match */
export function studentOf(
  { module, facts, prompts, drawLatents }: OpenedModel<Module>,
  steps: StudentSteps,
): Student {
  const { sigmaInit, studentSteps, studentSigmas } = steps;
  if (!(module instanceof DenoiserModule)) {
    if (studentSteps > 1)
      throw new DisbackError(
        '"studentSteps": a student that is not a denoiser must make its samples in one step',
      );
    return studentFrom(module, facts, { kind: "generator" }, { drawLatents });
  }
  if (studentSigmas && studentSigmas.length !== studentSteps - 1)
    throw new DisbackError(
      `"studentSigmas" must be the noise levels of the steps after the first: ${studentSteps - 1} (from "studentSteps"), not ${studentSigmas.length}`,
    );
  const laterSigmas = studentSigmas ?? evenAngles(sigmaInit, studentSteps, facts.sigmaData);
  return studentFrom(module, facts, { kind: "denoiser", sigmaInit, laterSigmas }, { conditions: prompts });
}

function requireConfig({ config }: OpenedModel, start: string): DenoiserConfig {
  if (config) return config;
  throw new DisbackError(
    `"student": ${start} needs to know the teacher's network; this teacher is your own module: give a module or a config file`,
  );
}

function studentConfig(start: string, teacher: OpenedModel): DenoiserConfig {
  if (start === "untrained" || start === "small") {
    const config = requireConfig(teacher, start);
    return start === "small" ? halved(config) : config;
  }
  requireStart(start, generatorStudents);
  const own = parseDenoiserConfig(readSettingsFile(start), start);
  const config = toldLike(own, teacher.config);
  requireSameKind(factsOf(config), teacher.facts, start);
  return config;
}

/** The classes' names, and what it reads of a text, are the teacher's. */
function toldLike(own: DenoiserConfig, teacher: DenoiserConfig | undefined): DenoiserConfig {
  if (own.network !== "text-unet") {
    const { classNames = teacher?.classNames, tasks = teacher?.tasks } = own;
    return { ...own, classNames, tasks };
  }
  if (teacher?.network !== "text-unet") return own;
  const { vocabulary, textLength, prompts } = teacher;
  return { ...own, vocabulary: [...vocabulary], textLength, prompts: [...prompts] };
}

/** Half the channels: about a quarter of the parameters and of the work. */
function halved(config: DenoiserConfig): DenoiserConfig {
  if (config.network === "mlp")
    return { ...config, hiddenChannels: Math.max(2, 2 * Math.floor(config.hiddenChannels / 4)) };
  if (config.network === "dit" || config.network === "video-dit" || config.network === "text-transformer") {
    if (config.heads % 2 !== 0) {
      throw new DisbackError(
        `"student": the teacher's ${config.heads} heads cannot be halved; give a config file`,
      );
    }
    return { ...config, heads: config.heads / 2 };
  }
  if (isOfPipeline(config))
    throw new DisbackError('"student": this teacher cannot be halved; give a config file');
  if (config.network === "unet-2d" || config.network === "text-unet") return halvedLevels(config);
  const modelChannels = config.modelChannels / 2;
  if (modelChannels % 4 !== 0) {
    throw new DisbackError(
      `"student": the teacher's ${config.modelChannels} channels cannot be halved; give a config file`,
    );
  }
  return { ...config, modelChannels };
}

function halvedLevels(config: Extract<DenoiserConfig, { network: "unet-2d" | "text-unet" }>): DenoiserConfig {
  const blockChannels = config.blockChannels.map((channels) => channels / 2);
  const parsed = denoiserConfig.safeParse({ ...config, blockChannels });
  if (parsed.success) return parsed.data;
  throw new DisbackError(
    `"student": the teacher's channels [${config.blockChannels.join(", ")}] cannot be halved; give a config file`,
  );
}
