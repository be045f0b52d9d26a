import { existsSync } from "node:fs";
import { type Device, Generator, type Module, manualSeed } from "@disback/torch";
import { evenAngles } from "../../distill/denoiser-student.js";
import type { Student } from "../../distill/student.js";
import { studentFrom } from "../../distill/student-kind.js";
import { DisbackError } from "../../errors.js";
import { computing } from "../../models/computation.js";
import {
  createDenoiser,
  type DenoiserConfig,
  denoiserConfig,
  factsOf,
  parseDenoiserConfig,
} from "../../models/config.js";
import { DenoiserModule } from "../../models/denoiser.js";
import { requireSameKind } from "../../models/facts.js";
import { intervalConfig, withInterval } from "../../models/with-interval.js";
import { type ComputationSettings, computationOf } from "../computation.js";
import { didYouMean } from "../nearest.js";
import { configured, openDenoiser } from "../open-model.js";
import type { OpenedModel } from "../opened-model.js";
import { isModuleFile, openModuleFile } from "../own-modules.js";
import { readSettingsFile } from "../settings/resolve.js";

/** Settings of the networks of a distillation. */
export interface NetworkSettings extends ComputationSettings {
  teacher: string;
  /** How the student starts. */
  student: string;
  unconditional: boolean;
  seed: number;
  /** the objective decides what the student's network must take */
  backtracking?: { objective: string };
}

/** A teacher, and a student before its first step. */
export interface Networks {
  teacher: OpenedModel;
  student: OpenedModel<Module>;
}

/** Opens the teacher and makes the student. @throws DisbackError if something is missing, damaged or does not fit */
export async function openNetworks(settings: NetworkSettings): Promise<Networks> {
  const teacher = await openTeacher(settings);
  return { teacher, student: await makeStudent(settings, teacher) };
}

/** Loads the teacher, frozen, with the settings' computation. */
async function openTeacher(settings: NetworkSettings): Promise<OpenedModel> {
  const { teacher: source, unconditional } = settings;
  const how = computationOf(settings);
  const teacher = await openDenoiser(source, { device: settings.device as Device, unconditional });
  computing(teacher.module, how).requiresGrad_(false);
  return teacher;
}

/**
 * The student's initial network.
 *
 * @param settings `student` is one of: `same` (the teacher's weights), `untrained` (the teacher's network, random
 *   weights), `small` (random weights, half the channels), a file with a model's configuration, or an ES module
 */
async function makeStudent(settings: NetworkSettings, teacher: OpenedModel): Promise<OpenedModel<Module>> {
  const { student: start, seed } = settings;
  const device = settings.device as Device;
  const takesInterval = settings.backtracking?.objective === "meanflow";
  if (start === "same" && takesInterval) {
    const wide = withInterval(teacher.module, requireConfig(teacher, start));
    return configured(
      { ...wide, denoiser: computing(wide.denoiser, computationOf(settings)) },
      teacher.codec,
    );
  }
  if (start === "same") return { ...teacher, module: teacher.module.clone().requiresGrad_(true) };
  const how = computationOf(settings);
  if (isModuleFile(start)) {
    // Weights that it draws follow the run's seed.
    manualSeed(seed);
    const own = await openModuleFile(start, device);
    requireSameKind(own.facts, teacher.facts, start);
    if (own.module instanceof DenoiserModule) computing(own.module, how);
    return own;
  }
  const own = studentConfig(start, teacher);
  const config = takesInterval ? intervalConfig(own) : own;
  const denoiser = createDenoiser(config, { generator: new Generator(seed) });
  denoiser.to({ device }).eval();
  computing(denoiser, how);
  return configured({ denoiser, config }, teacher.codec);
}

/** The noise levels of the student's steps. */
export interface StudentSteps {
  sigmaInit: number;
  studentSteps: number;
  studentSigmas?: number[] | undefined;
}

/** The student that runs a network. @throws DisbackError if the numbers of noise levels and steps do not match */
export function studentOf({ module, facts }: OpenedModel<Module>, steps: StudentSteps): Student {
  const { sigmaInit, studentSteps, studentSigmas } = steps;
  if (!(module instanceof DenoiserModule)) {
    if (studentSteps > 1)
      throw new DisbackError(
        '"studentSteps": a student that is not a denoiser must make its samples in one step',
      );
    return studentFrom(module, facts, { kind: "generator" });
  }
  if (studentSigmas && studentSigmas.length !== studentSteps - 1)
    throw new DisbackError(
      `"studentSigmas" must be the noise levels of the steps after the first: ${studentSteps - 1} (from "studentSteps"), not ${studentSigmas.length}`,
    );
  const laterSigmas = studentSigmas ?? evenAngles(sigmaInit, studentSteps, facts.sigmaData);
  return studentFrom(module, facts, { kind: "denoiser", sigmaInit, laterSigmas });
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
  if (!existsSync(start)) {
    const known = ["same", "untrained", "small"];
    throw new DisbackError(
      `"student": "${start}" is none of ${known.join(", ")} and no file${didYouMean(start, known)}`,
    );
  }
  const own = parseDenoiserConfig(readSettingsFile(start), start);
  // The classes and their names are the teacher's.
  const config = { ...own, classNames: own.classNames ?? teacher.config?.classNames };
  requireSameKind(factsOf(config), teacher.facts, start);
  return config;
}

/** Half the channels: about a quarter of the parameters and of the work. */
function halved(config: DenoiserConfig): DenoiserConfig {
  if (config.network === "mlp")
    return { ...config, hiddenChannels: Math.max(2, 2 * Math.floor(config.hiddenChannels / 4)) };
  if (config.network === "dit") {
    if (config.heads % 2 !== 0) {
      throw new DisbackError(
        `"student": the teacher's ${config.heads} heads cannot be halved; give a config file`,
      );
    }
    return { ...config, heads: config.heads / 2 };
  }
  if (config.network === "unet-2d") return halvedLevels(config);
  const modelChannels = config.modelChannels / 2;
  if (modelChannels % 4 !== 0) {
    throw new DisbackError(
      `"student": the teacher's ${config.modelChannels} channels cannot be halved; give a config file`,
    );
  }
  return { ...config, modelChannels };
}

function halvedLevels(config: Extract<DenoiserConfig, { network: "unet-2d" }>): DenoiserConfig {
  const blockChannels = config.blockChannels.map((channels) => channels / 2);
  const parsed = denoiserConfig.safeParse({ ...config, blockChannels });
  if (parsed.success) return parsed.data;
  throw new DisbackError(
    `"student": the teacher's channels [${config.blockChannels.join(", ")}] cannot be halved; give a config file`,
  );
}
