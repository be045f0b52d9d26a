import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Device, Module, type Tensor } from "@disback/torch";
import { isGenerator } from "../distill/generator-student.js";
import { DisbackError } from "../errors.js";
import type { Condition } from "../models/condition.js";
import { DenoiserModule, type FeatureDenoiser } from "../models/denoiser.js";
import { type ModelFacts, requireFacts } from "../models/facts.js";
import { formatOf, loadWeights, weightsFile, writeModelFolder } from "../models/model-folder.js";
import { asTheyAre, type SampleCodec } from "../models/sample-codec.js";
import type { OpenedModel } from "./opened-model.js";

/** What makes a folder one with weights of a user's own module. */
const FORMAT = "disback-module-1";

/** In a folder of a network of ours: names the ES module that makes pictures of its samples, its teacher's. */
const PICTURES = "picture.json";

/** A module that restores samples from noise, see `Denoiser.denoise`, and may show its features. */
type Denoising = Module & Pick<DenoiserModule, "denoise"> & Pick<Partial<FeatureDenoiser>, "features">;

/** A denoiser of a user's own, with its facts. Its weights have the prefix `model.`, as those of our denoisers. */
class OwnDenoiser extends DenoiserModule {
  constructor(
    readonly model: Denoising,
    readonly facts: ModelFacts,
  ) {
    super();
  }

  get sigmaMin(): number | undefined {
    return (this.model as { sigmaMin?: number }).sigmaMin;
  }

  get sigmaMax(): number | undefined {
    return (this.model as { sigmaMax?: number }).sigmaMax;
  }

  denoise(x: Tensor, sigma: Tensor, condition?: Condition): Tensor {
    return this.pass(x, () => this.model.denoise(x, sigma, condition)).to(x.dtype);
  }

  /** For discriminators; undefined if the module has none. */
  get features(): FeatureDenoiser["features"] | undefined {
    const { model } = this;
    if (!model.features) return undefined;
    return (x, sigma, condition) => this.pass(x, () => model.features!(x, sigma, condition)).to(x.dtype);
  }
}

/** Whether a source is an ES module of a user's own, such as `./mine.mjs`. */
export function isModuleFile(source: string): boolean {
  return /\.(mjs|js|mts|ts)$/.test(source);
}

/** Whether a model folder holds weights of such a module. */
export function isModuleFolder(folder: string): boolean {
  return formatOf(folder) === FORMAT;
}

/**
 * Runs an ES module whose default export, a function or an async one, gives `{ module, facts }`. The module has
 * `denoise(x, sigma, condition)` and perhaps `features` with the same parameters, or, for students, `generate(latents, condition)` and `latentShape`. If its samples are
 * no images in [-1, 1], it also gives `picture`, see `SampleCodec`.
 * @throws DisbackError naming the file and what is wrong with it
 */
export async function openModuleFile(file: string, device: Device): Promise<OpenedModel<Module>> {
  const path = resolve(file);
  const { module: own, facts, picture } = await load(path, file);
  if (!isDenoising(own) && !isGenerator(own))
    throw new DisbackError(
      `${file}: its module has neither denoise(x, sigma, condition) nor generate(latents, condition)`,
    );
  const module = (isDenoising(own) ? new OwnDenoiser(own, facts) : own).to({ device }).eval();
  return {
    ...{ module, facts, codec: codecOf(path, facts, picture) },
    save: (folder, weights) => writeModelFolder(folder, weights, { format: FORMAT, module: path }),
  };
}

/** Opens a folder that such a model was saved to. @throws DisbackError naming the file that is gone or does not fit */
export async function openModuleFolder(folder: string, device: Device): Promise<OpenedModel<Module>> {
  const file = moduleNamedIn(join(folder, "config.json"), "which makes this model");
  const model = await openModuleFile(file, "cpu");
  loadWeights(join(folder, weightsFile), model.module);
  model.module.to({ device });
  return model;
}

/**
 * The codec of a network of ours whose samples a user's module makes pictures of; undefined for others.
 * @throws DisbackError naming the file that is gone
 */
export async function openPictures(folder: string): Promise<SampleCodec | undefined> {
  const note = join(folder, PICTURES);
  if (!existsSync(note)) return undefined;
  const { module, codec } = await openModuleFile(
    moduleNamedIn(note, "which makes pictures of its samples"),
    "cpu",
  );
  module.dispose();
  return codec;
}

function moduleNamedIn(path: string, use: string): string {
  const { module: file } = readJson(path);
  if (typeof file !== "string") throw new DisbackError(`${path}: "module" must be the path of an ES module`);
  if (!existsSync(file))
    throw new DisbackError(`${path}: ${file} is gone, ${use}; put it back or change "module"`);
  return file;
}

function codecOf(path: string, facts: ModelFacts, picture: Picture | undefined): SampleCodec {
  const codec = asTheyAre(facts.sampleShape);
  if (!picture) return codec;
  const save = (folder: string) =>
    writeFileSync(join(folder, PICTURES), `${JSON.stringify({ module: path }, null, 2)}\n`);
  return { ...codec, picture, save };
}

function isDenoising(module: Module): module is Denoising {
  return typeof (module as { denoise?: unknown }).denoise === "function";
}

type Picture = NonNullable<SampleCodec["picture"]>;

async function load(
  path: string,
  shown: string,
): Promise<{ module: Module; facts: ModelFacts; picture: Picture | undefined }> {
  if (!existsSync(path)) throw new DisbackError(`${shown}: no such file`);
  let made: unknown;
  try {
    const { default: make } = (await import(pathToFileURL(path).href)) as { default?: unknown };
    if (typeof make !== "function")
      throw new DisbackError(`${shown}: its default export must be a function that gives { module, facts }`);
    made = await make();
  } catch (error) {
    if (error instanceof DisbackError) throw error;
    throw new DisbackError(`${shown}: ${(error as Error).message.split("\n")[0]}`);
  }
  const { module, facts, picture } = (made ?? {}) as Record<"module" | "facts" | "picture", unknown>;
  if (!(module instanceof Module))
    throw new DisbackError(`${shown}: "module" must be a Module of @disback/torch, of the same installation`);
  if (module.parameters().length === 0) throw new DisbackError(`${shown}: its module has no parameters`);
  if (picture !== undefined && typeof picture !== "function")
    throw new DisbackError(
      `${shown}: "picture" must be a function of samples that gives pictures in [-1, 1]`,
    );
  const checked = requireFacts(facts ?? (module as { facts?: unknown }).facts, shown);
  return { module, facts: checked, picture: picture as Picture | undefined };
}

function readJson(path: string): { module?: unknown } {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) ?? {}) as object;
  } catch {
    return {};
  }
}
