import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Device, Module, type Tensor } from "@disback/torch";
import { isGenerator } from "../distill/generator-student.js";
import { DisbackError } from "../errors.js";
import type { Condition } from "../models/condition.js";
import { DenoiserModule } from "../models/denoiser.js";
import { type ModelFacts, requireFacts } from "../models/facts.js";
import { loadWeights, weightsFile, writeModelFolder } from "../models/model-folder.js";
import { asTheyAre } from "../models/sample-codec.js";
import type { OpenedModel } from "./opened-model.js";

/** The mark of a folder with the weights of a user's own module. */
const FORMAT = "disback-module-1";

/** A module with the method `Denoiser.denoise`. */
type Denoising = Module & Pick<DenoiserModule, "denoise">;

/** A user's own denoiser, with its facts. Its weights have the prefix `model.`, as in our denoisers. */
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
}

/** Whether a source is a user's own ES module, such as `./mine.mjs`. */
export function isModuleFile(source: string): boolean {
  return /\.(mjs|js|mts|ts)$/.test(source);
}

/** Whether a model folder holds weights of such a module. */
export function isModuleFolder(folder: string): boolean {
  if (!existsSync(join(folder, "config.json"))) return false;
  return readConfig(folder).format === FORMAT;
}

/**
 * Runs an ES module. Its default export is a function, sync or async, that returns `{ module, facts }`. The module has
 * `denoise(x, sigma, condition)` or, for students, `generate(latents, condition)` and `latentShape`.
 * @throws DisbackError naming the file and what is wrong with it
 */
export async function openModuleFile(file: string, device: Device): Promise<OpenedModel<Module>> {
  const path = resolve(file);
  const { module: own, facts } = await load(path, file);
  if (!isDenoising(own) && !isGenerator(own))
    throw new DisbackError(
      `${file}: its module has neither denoise(x, sigma, condition) nor generate(latents, condition)`,
    );
  const module = (isDenoising(own) ? new OwnDenoiser(own, facts) : own).to({ device }).eval();
  return {
    ...{ module, facts, codec: asTheyAre(facts.sampleShape) },
    save: (folder, weights) => writeModelFolder(folder, weights, { format: FORMAT, module: path }),
  };
}

/** Opens a folder of such a model. @throws DisbackError naming the file that is missing or does not fit */
export async function openModuleFolder(folder: string, device: Device): Promise<OpenedModel<Module>> {
  const { module: file } = readConfig(folder);
  const config = join(folder, "config.json");
  if (typeof file !== "string")
    throw new DisbackError(`${config}: "module" must be the path of an ES module`);
  if (!existsSync(file))
    throw new DisbackError(
      `${config}: ${file}, which defines this model, is missing; restore it or change "module"`,
    );
  const model = await openModuleFile(file, "cpu");
  loadWeights(join(folder, weightsFile), model.module);
  model.module.to({ device });
  return model;
}

function isDenoising(module: Module): module is Denoising {
  return typeof (module as { denoise?: unknown }).denoise === "function";
}

async function load(path: string, shown: string): Promise<{ module: Module; facts: ModelFacts }> {
  if (!existsSync(path)) throw new DisbackError(`${shown}: no such file`);
  let made: unknown;
  try {
    const { default: make } = (await import(pathToFileURL(path).href)) as { default?: unknown };
    if (typeof make !== "function")
      throw new DisbackError(
        `${shown}: its default export must be a function that returns { module, facts }`,
      );
    made = await make();
  } catch (error) {
    if (error instanceof DisbackError) throw error;
    throw new DisbackError(`${shown}: ${(error as Error).message.split("\n")[0]}`);
  }
  const { module, facts } = (made ?? {}) as { module?: unknown; facts?: unknown };
  if (!(module instanceof Module))
    throw new DisbackError(`${shown}: "module" must be a Module of the same installation of @disback/torch`);
  if (module.parameters().length === 0) throw new DisbackError(`${shown}: its module has no parameters`);
  return { module, facts: requireFacts(facts ?? (module as { facts?: unknown }).facts, shown) };
}

function readConfig(folder: string): { format?: unknown; module?: unknown } {
  try {
    return (JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) ?? {}) as object;
  } catch {
    return {};
  }
}
