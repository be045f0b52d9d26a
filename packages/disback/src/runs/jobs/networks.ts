import { existsSync } from "node:fs";
import { type Device, Generator } from "@disback/torch";
import { evenAngles, StudentGenerator } from "../../distill/student-generator.js";
import { DisbackError } from "../../errors.js";
import { computing } from "../../models/computation.js";
import {
  type ConfiguredDenoiser,
  createDenoiser,
  type DenoiserConfig,
  denoiserConfig,
  parseDenoiserConfig,
  sampleShape,
} from "../../models/config.js";
import { type ComputationSettings, computationOf } from "../computation.js";
import { didYouMean } from "../nearest.js";
import { type OpenedModel, openModel } from "../open-model.js";
import { readSettingsFile } from "../settings/resolve.js";

/** What settings say of the networks of a distillation. */
export interface NetworkSettings extends ComputationSettings {
  teacher: string;
  /** How the student starts. */
  student: string;
  unconditional: boolean;
  seed: number;
}

/** Loads the teacher, frozen, computing as the settings say. @throws DisbackError when it is missing or damaged */
export function openTeacher(settings: NetworkSettings): OpenedModel {
  const { teacher: source, unconditional } = settings;
  const how = computationOf(settings);
  const teacher = openModel(source, { device: settings.device as Device, unconditional });
  computing(teacher.denoiser, how).requiresGrad_(false);
  return teacher;
}

/**
 * The student's network as it starts.
 *
 * @param settings their `student`: `same` (the teacher's weights), `untrained` (the teacher's network, random weights), `small` (random
 * weights, half the channels), or a file with a model's configuration
 */
export function makeStudent(settings: NetworkSettings, teacher: ConfiguredDenoiser): ConfiguredDenoiser {
  const { student: start, seed } = settings;
  if (start === "same") {
    return { denoiser: teacher.denoiser.clone().requiresGrad_(true), config: teacher.config };
  }
  const config = studentConfig(start, teacher.config);
  const denoiser = createDenoiser(config, { generator: new Generator(seed) });
  denoiser.to({ device: settings.device as Device }).eval();
  return { denoiser: computing(denoiser, computationOf(settings)), config };
}

/** At which noise levels the student's network is run. */
export interface StudentSteps {
  sigmaInit: number;
  studentSteps: number;
  studentSigmas?: number[] | undefined;
}

/** The student's network as a generator. @throws DisbackError if there are not as many noise levels as steps */
export function generatorOf(
  { denoiser, config }: ConfiguredDenoiser,
  { sigmaInit, studentSteps, studentSigmas }: StudentSteps,
): StudentGenerator {
  if (studentSigmas && studentSigmas.length !== studentSteps - 1)
    throw new DisbackError(
      `"studentSigmas" must be the noise levels of the steps after the first, ${studentSteps - 1} of "studentSteps", not ${studentSigmas.length}`,
    );
  return new StudentGenerator(denoiser, {
    sigmaInit,
    laterSigmas: studentSigmas ?? evenAngles(sigmaInit, studentSteps, config.sigmaData),
    sampleShape: sampleShape(config),
    labelDim: config.labelDim,
  });
}

function studentConfig(start: string, teacher: DenoiserConfig): DenoiserConfig {
  if (start === "untrained") return teacher;
  if (start === "small") return halved(teacher);
  if (!existsSync(start)) {
    const known = ["same", "untrained", "small"];
    throw new DisbackError(
      `"student": "${start}" is none of ${known.join(", ")} and no file${didYouMean(start, known)}`,
    );
  }
  const config = parseDenoiserConfig(readSettingsFile(start), start);
  if (sampleShape(config).join() !== sampleShape(teacher).join()) {
    throw new DisbackError(
      `${start}: makes samples [${sampleShape(config).join(", ")}], the teacher [${sampleShape(teacher).join(", ")}]`,
    );
  }
  if (config.labelDim !== teacher.labelDim) {
    throw new DisbackError(`${start}: "labelDim" is ${config.labelDim}, the teacher's ${teacher.labelDim}`);
  }
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
