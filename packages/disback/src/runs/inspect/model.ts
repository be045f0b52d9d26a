import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Module, readSafetensors } from "@disback/torch";
import { isGenerator } from "../../distill/generator-student.js";
import { Trajectory } from "../../distill/trajectory.js";
import { DisbackError } from "../../errors.js";
import { loadClassifierExtractor } from "../../metrics/classifier-extractor.js";
import { reduction } from "../../models/autoencoder/autoencoder-config.js";
import { openCodec } from "../../models/autoencoder/open-codec.js";
import { loadAutoencoder } from "../../models/autoencoder/storage.js";
import { loadModel, sampleShape } from "../../models/config.js";
import { isGeneratorFolder, loadGenerator } from "../../models/generators/storage.js";
import { weightsFile } from "../../models/model-folder.js";
import { isTaskAdaptersFolder, loadTaskAdapters } from "../../models/tasks/adapters-storage.js";
import { isTaskFolder, loadTasks } from "../../models/tasks/storage.js";
import { isAdapterFolder, readAdapterFolder } from "../adapter-folder.js";
import { isAutoencoderFolder } from "../open-autoencoder.js";
import { isModuleFile, isModuleFolder, openModuleFile, openModuleFolder } from "../own-modules.js";
import { flattenRows } from "../report/markup.js";
import { kindOfSamples } from "../samples/kinds.js";
import { readStudentFile } from "../student-file.js";
import { shortBytes, shortNumber, stepsText } from "../wording.js";
import type { Description } from "./description.js";

/** A model folder: a student if there is a `generator.json`, else a teacher. */
export function describeModel(path: string): Description | undefined {
  if (!existsSync(join(path, "config.json"))) return undefined;
  if (isGeneratorFolder(path)) return describeGenerator(path);
  if (isAutoencoderFolder(path)) return describeAutoencoder(path);
  if (isTaskFolder(path)) return describeTasks(path);
  if (isTaskAdaptersFolder(path)) return describeTaskAdapters(path);
  const { denoiser, config } = loadModel(path);
  const kind = readStudentFile(path);
  const levels = kind?.kind === "denoiser" ? kind : undefined;
  const sigmas = levels && [levels.sigmaInit, ...levels.laterSigmas];
  const parameters = denoiser.parameters().reduce((sum, tensor) => sum + tensor.numel, 0);
  denoiser.dispose();
  const { shownShape } = openCodec(path, sampleShape(config));
  return {
    kind: sigmas ? `model: ${stepsText(sigmas.length)} student` : "model: denoiser",
    facts: [
      ["samples", `[${sampleShape(config).join(", ")}]`],
      ...(shownShape.join() === sampleShape(config).join()
        ? []
        : [["decoded to", `[${shownShape.join(", ")}]`] as [string, string]]),
      ["parameters", parameters.toLocaleString("en")],
      ...(levels ? [["sigmaInit", String(levels.sigmaInit)] as [string, string]] : []),
      ...(sigmas && sigmas.length > 1 ? [["sigmas", sigmas.join(", ")] as [string, string]] : []),
      ...flattenRows(config),
    ],
  };
}

/** A generator from a vector, as a student or a GAN. */
function describeGenerator(path: string): Description {
  const { generator, config } = loadGenerator(path);
  const parameters = generator.parameters().reduce((sum, { numel }) => sum + numel, 0);
  const { sampleShape } = generator.facts;
  generator.dispose();
  return {
    kind: readStudentFile(path)
      ? "model: student, a generator from a vector"
      : "model: generator from a vector",
    facts: [
      ["samples", `[${sampleShape.join(", ")}]`],
      ["latents", `[${config.latentSize}]`],
      ["parameters", parameters.toLocaleString("en")],
      ["size", shortBytes(statSync(join(path, weightsFile)).size)],
      ...flattenRows(config),
    ],
  };
}

/** An autoencoder by itself. */
function describeAutoencoder(path: string): Description {
  const autoencoder = loadAutoencoder(path);
  const parameters = (half: string) =>
    autoencoder
      .namedParameters()
      .reduce((sum, [key, { numel }]) => sum + (key.includes(half) ? numel : 0), 0)
      .toLocaleString("en");
  const { config } = autoencoder;
  const facts: [string, string][] = [
    ["pictures", `${config.imageChannels} channels`],
    ["latents", `${config.latentChannels} channels, 1/${reduction(config)} of the side`],
    ["encoder", `${parameters("encoder")} parameters`],
    ["decoder", `${parameters("decoder")} parameters`],
    ["size", shortBytes(statSync(join(path, weightsFile)).size)],
    ...flattenRows(config),
  ];
  autoencoder.dispose();
  return { kind: `model: ${config.autoencoder === "tiny" ? "tiny autoencoder" : "autoencoder"}`, facts };
}

/** The teachers of several tasks. */
function describeTasks(path: string): Description {
  const { denoiser, tasks } = loadTasks(path);
  const { sampleShape, sigmaData } = denoiser.facts;
  const parameters = [...denoiser.tasks].map((task) =>
    task.parameters().reduce((sum, { numel }) => sum + numel, 0),
  );
  denoiser.dispose();
  return {
    kind: "model: denoisers of several tasks",
    facts: [
      ["samples", `[${sampleShape.join(", ")}]`],
      ["sigmaData", shortNumber(sigmaData)],
      ...tasks.map(({ name, model: { network, labelDim } }, place): [string, string] => [
        name,
        `${network}, ${labelDim} classes, ${parameters[place]!.toLocaleString("en")} parameters`,
      ]),
    ],
  };
}

/** A student of several tasks: one base with adapters for each. */
function describeTaskAdapters(path: string): Description {
  const { denoiser, config } = loadTaskAdapters(path);
  const { facts, rank, base } = denoiser;
  const count = (module: Module) => module.parameters().reduce((sum, { numel }) => sum + numel, 0);
  const [ofBase, ofAdapters] = [count(base), count(denoiser)].map((each) => each.toLocaleString("en"));
  base.dispose();
  denoiser.dispose();
  const student = readStudentFile(path);
  const levels = student?.kind === "denoiser" ? [student.sigmaInit, ...student.laterSigmas] : [];
  return {
    kind: `model: ${stepsText(Math.max(1, levels.length))} student of several tasks, adapters for each on one base`,
    facts: [
      ["samples", `[${facts.sampleShape.join(", ")}]`],
      ["tasks", Object.keys(facts.tasks!).join(", ")],
      ["rank", String(rank)],
      ["parameters", `${ofBase} of the base, ${ofAdapters} of adapters`],
      ...(levels.length > 0 ? [["noise levels", levels.join(", ")] as [string, string]] : []),
      ...flattenRows(config),
    ],
  };
}

/** A student of adapters: the base is not opened. */
export function describeAdapters(path: string): Description | undefined {
  if (!isAdapterFolder(path)) return undefined;
  const { base, rank, unconditional } = readAdapterFolder(path);
  const { tensors } = readSafetensors(join(path, weightsFile));
  const parameters = [...tensors.values()].reduce((sum, { numel }) => sum + numel, 0);
  const student = readStudentFile(path);
  const levels = student?.kind === "denoiser" ? [student.sigmaInit, ...student.laterSigmas] : [];
  return {
    kind: `model: ${stepsText(Math.max(1, levels.length))} student, adapters on a base`,
    facts: [
      ["base", base],
      ["rank", String(rank)],
      ["parameters", parameters.toLocaleString("en")],
      ...(levels.length > 0 ? [["noise levels", levels.join(", ")] as [string, string]] : []),
      ...(unconditional ? [["unconditional", "yes"] as [string, string]] : []),
    ],
  };
}

/** A module of a user's own, as an ES module or a folder with its weights. */
export async function describeOwnModule(path: string): Promise<Description | undefined> {
  const isFile = isModuleFile(path);
  if (!isFile && !isModuleFolder(path)) return undefined;
  const { module, facts, codec } = await (isFile ? openModuleFile : openModuleFolder)(path, "cpu");
  const student = isFile ? undefined : readStudentFile(path);
  const makes = isGenerator(module) ? "generator" : "denoiser";
  const levels = student?.kind === "denoiser" ? [student.sigmaInit, ...student.laterSigmas] : [];
  const parameters = module.parameters().reduce((sum, tensor) => sum + tensor.numel, 0);
  module.dispose();
  return {
    kind: student ? `model: student of your own, a ${makes}` : `model: ${makes} of your own`,
    facts: [
      ...(levels.length > 0 ? [["noise levels", levels.join(", ")] as [string, string]] : []),
      ...flattenRows({ ...facts, sampleShape: `[${facts.sampleShape.join(", ")}]` }),
      ["samples are", codec.picture ? "values with pictures of their own" : kindOfSamples(codec).name],
      ["parameters", parameters.toLocaleString("en")],
    ],
  };
}

/** A trajectory, by its manifest. */
export function describeTrajectory(path: string): Description | undefined {
  if (!existsSync(join(path, "trajectory.json"))) return undefined;
  const { nodes, provenance, storage } = Trajectory.open(path);
  const sizes = nodes.map(({ bytes, file }) => bytes ?? statSync(join(path, file)).size);
  return {
    kind: "trajectory",
    facts: [
      ["nodes", String(nodes.length)],
      ["size", shortBytes(sizes.reduce((sum, bytes) => sum + bytes, 0))],
      ...flattenRows({ storage }),
      ...nodes.map((node, index): [string, string] => [
        `node ${index + 1}`,
        `step ${node.step}, distance ${shortNumber(node.distance)} from the previous one, loss ${shortNumber(node.loss)}, ${shortBytes(sizes[index]!)}`,
      ]),
      ...flattenRows(provenance),
    ],
  };
}

/** A feature extractor's folder. */
export function describeExtractor(path: string): Description | undefined {
  const file = join(path, "config.json");
  if (!existsSync(file) || readJson(file)?.kind !== "classifier-extractor") return undefined;
  const extractor = loadClassifierExtractor(path);
  extractor.dispose();
  return { kind: "feature extractor", facts: flattenRows(extractor.config) };
}

function readJson(path: string): { kind?: unknown } | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as { kind?: unknown } | null;
  } catch (error) {
    throw new DisbackError(
      `${path}: ${error instanceof SyntaxError ? "not valid JSON" : (error as Error).message}`,
    );
  }
}
