import { statSync } from "node:fs";
import { type Device, Generator, type Module } from "@disback/torch";
import type { GeneratorModule } from "../../distill/generator-student.js";
import { DisbackError } from "../../errors.js";
import { classesOf } from "../../models/condition.js";
import { requireSameKind } from "../../models/facts.js";
import { createGenerator } from "../../models/generators/create-generator.js";
import {
  type GeneratorConfig,
  generatorFacts,
  isGeneratorConfig,
  parseGeneratorConfig,
} from "../../models/generators/generator-config.js";
import { generatorModel } from "../generator-model.js";
import { openModel } from "../open-model.js";
import type { OpenedModel } from "../opened-model.js";
import { readSettingsFile } from "../settings/resolve.js";

/** Students that make samples from a vector. */
export const generatorStudents = ["dcgan", "fastgan", "mlp"] as const;

type GeneratorName = (typeof generatorStudents)[number];

/** The settings of a student that matter here. */
interface StudentSettings {
  student: string;
  latentSize?: number | undefined;
  studentChannels?: number | undefined;
}

/**
 * The configuration of a student that makes samples from a vector, sized to the teacher's samples, or read from a file;
 * undefined for other students.
 * @throws DisbackError naming the setting, or file and field
 */
export function generatorConfigFor(
  settings: StudentSettings,
  { facts, codec }: Pick<OpenedModel<Module>, "facts" | "codec">,
): GeneratorConfig | undefined {
  const { student } = settings;
  if (isName(student)) return sized(student, settings, { facts, codec });
  if (!statSync(student, { throwIfNoEntry: false })?.isFile()) return undefined;
  const read = readSettingsFile(student);
  if (!isGeneratorConfig(read)) return undefined;
  const config = parseGeneratorConfig(read, student);
  requireSameKind(generatorFacts(config), facts, student);
  return config;
}

/** @throws DisbackError if sizes are given for a student that has its own */
export function refuseSizesWithoutUse({ student, latentSize, studentChannels }: StudentSettings): void {
  if (isName(student)) return;
  const given = Object.entries({ latentSize, studentChannels }).find(([, value]) => value !== undefined);
  if (given)
    throw new DisbackError(
      `"${given[0]}" has no effect on the student "${student}", only on ${generatorStudents.join(", ")}`,
    );
}

/**
 * The initial student of a teacher that is a generator: of the same latents, so that both can be compared at each.
 * @param settings `student` is one of: `same`, `untrained`, `small` (half the channels), a generator's name, a model's
 *   folder, a configuration file, or an ES module
 * @throws DisbackError naming the setting, or what does not fit the teacher
 */
export async function makeGeneratorStudent(
  settings: StudentSettings & { seed: number; device: string },
  teacher: OpenedModel<Module>,
): Promise<OpenedModel<Module>> {
  const { student: start, seed } = settings;
  const device = settings.device as Device;
  const { latentShape } = teacher.module as GeneratorModule;
  if (start === "same") return { ...teacher, module: teacher.module.clone().requiresGrad_(true) };
  const config =
    start === "untrained" || start === "small"
      ? likeTeacher(start, teacher)
      : generatorConfigFor({ latentSize: latentShape[0], ...settings }, teacher);
  const student = config
    ? generatorModel(
        {
          generator: createGenerator(config, { generator: new Generator(seed) })
            .to({ device })
            .eval(),
          config,
        },
        teacher.codec,
      )
    : await openModel(start, { device });
  requireSameKind(student.facts, teacher.facts, start);
  const own = (student.module as GeneratorModule).latentShape;
  if (own?.join() !== latentShape.join())
    throw new DisbackError(
      `"student": ${start} takes latents [${own?.join(", ") ?? ""}], the teacher [${latentShape.join(", ")}]`,
    );
  student.module.requiresGrad_(true);
  return student;
}

/** The teacher's own network, or one of half the channels. */
function likeTeacher(start: string, { generator: config }: OpenedModel<Module>): GeneratorConfig {
  if (!config)
    throw new DisbackError(
      `"student": ${start} needs to know the teacher's network; this teacher is your own module: give a module or a config file`,
    );
  if (start === "untrained") return config;
  const half = (width: number) => Math.max(1, Math.floor(width / 2));
  return config.network === "mlp-generator"
    ? { ...config, hiddenChannels: half(config.hiddenChannels) }
    : { ...config, modelChannels: half(config.modelChannels) };
}

function sized(
  name: GeneratorName,
  { latentSize, studentChannels: width }: StudentSettings,
  { facts, codec }: Pick<OpenedModel<Module>, "facts" | "codec">,
): GeneratorConfig {
  const { sampleShape, sigmaData, classNames, tasks } = facts;
  const others = Object.keys(facts.condition).filter((told) => told !== "class");
  if (others.length > 0)
    throw new DisbackError(
      `"student": a ${name} takes classes only, and this teacher takes ${others.join(", ")}`,
    );
  const common = {
    ...{ latentSize, sigmaData, labelDim: classesOf(facts) },
    ...(classNames ? { classNames: [...classNames] } : {}),
    ...(tasks ? { tasks } : {}),
  };
  const shown = `samples of shape [${sampleShape.join(", ")}]`;
  if (name === "mlp") {
    if (sampleShape.length !== 1)
      throw new DisbackError(`"student": mlp makes points, and this teacher ${shown}; use dcgan or fastgan`);
    const config = { network: "mlp-generator", dimension: sampleShape[0], hiddenChannels: width };
    return parseGeneratorConfig({ ...common, ...config }, '"student": mlp');
  }
  const [imageChannels, imageResolution, breadth] = sampleShape;
  if (sampleShape.length !== 3 || imageResolution !== breadth)
    throw new DisbackError(
      `"student": ${name} makes square pictures, and this teacher ${shown}${sampleShape.length === 1 ? "; use mlp" : ""}`,
    );
  // Latents of an autoencoder and values of one's own are not bounded.
  const bounded = codec.shownShape.join() === sampleShape.join() && !codec.picture;
  const config = { network: name, imageChannels, imageResolution, modelChannels: width };
  return parseGeneratorConfig(
    { ...common, ...config, output: bounded ? "tanh" : "linear" },
    `"student": ${name}`,
  );
}

function isName(student: string): student is GeneratorName {
  return (generatorStudents as readonly string[]).includes(student);
}
