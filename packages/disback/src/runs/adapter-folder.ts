import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Generator } from "@disback/torch";
import { z } from "zod";
import { DisbackError, UsageError } from "../errors.js";
import { LowRankDenoiser } from "../models/adapters/low-rank-denoiser.js";
import type { DenoiserModule } from "../models/denoiser.js";
import {
  configFile,
  formatOf,
  loadWeights,
  readConfigFile,
  weightsFile,
  writeModelFolder,
} from "../models/model-folder.js";
import { parsedBy } from "../parsed-by.js";
import { fingerprint } from "../training/hashing.js";
import type { OpenedModel } from "./opened-model.js";
import { writeTextEncoder } from "./text-encoder.js";

/** What makes a folder one with adapters on another model. */
const FORMAT = "disback-adapters-1";

const schema = z.strictObject({
  format: z.literal(FORMAT),
  /** the base: an absolute path, or the name of a shipped model */
  base: z.string().min(1),
  /** fingerprint of its weights */
  fingerprint: z.string(),
  /** whether the base is the unconditional part of a model with classes */
  unconditional: z.boolean(),
  rank: z.int().min(1),
  layers: z.enum(["all", "attention"]),
});

/** Where a folder's adapters stand on. */
export type AdapterFolder = z.output<typeof schema>;

/** Whether a model folder holds adapters. */
export function isAdapterFolder(folder: string): boolean {
  return formatOf(folder) === FORMAT;
}

/**
 * A student of adapters on a teacher. It is saved as its adapters, a few megabytes, where their base lies, and the prompts
 * that it is told.
 * @param base what the base was opened from, and the fingerprint of its weights as they are there
 */
export function adaptersOnModel(
  teacher: OpenedModel,
  adapters: DenoiserModule,
  base: { source: string; unconditional: boolean; fingerprint: string },
): OpenedModel {
  return {
    ...teacher,
    module: adapters,
    save: (folder, module) => {
      const { rank, layers } = module as LowRankDenoiser;
      const { source, ...rest } = base;
      const config = {
        ...{ format: FORMAT, base: existsSync(source) ? resolve(source) : source },
        ...{ ...rest, rank, layers },
      } satisfies AdapterFolder;
      writeModelFolder(folder, module, config);
      if (teacher.encoder) writeTextEncoder(folder, teacher.encoder);
    },
  };
}

/** Reads where a folder's adapters stand on. @throws DisbackError naming the file and field */
export function readAdapterFolder(folder: string): AdapterFolder {
  const { path, value } = readConfigFile(folder);
  return parsedBy(schema, value, path);
}

/**
 * Opens a folder of adapters.
 * @param open opens the base
 * @throws DisbackError naming the base that is gone or was changed, or the file and key
 */
export async function openAdapterFolder(
  folder: string,
  open: (source: string, unconditional: boolean) => Promise<OpenedModel>,
): Promise<{ base: OpenedModel; adapters: LowRankDenoiser }> {
  const { base: source, fingerprint: expected, unconditional, rank, layers } = readAdapterFolder(folder);
  const path = join(folder, configFile);
  const base = await open(source, unconditional).catch((error: unknown) => {
    // A missing prompt or a wrong flag is not the base's fault.
    if (!(error instanceof DisbackError) || error instanceof UsageError) throw error;
    throw new DisbackError(
      `${path}: these are adapters on "base": ${source}, which cannot be opened (${error.message}); put it back or change "base"`,
    );
  });
  if (fingerprint(base.module) !== expected)
    throw new DisbackError(`${path}: "base": ${source} has other weights than these adapters were made for`);
  const adapters = new LowRankDenoiser(base.module, { rank, layers, generator: new Generator(0) });
  loadWeights(join(folder, weightsFile), adapters);
  return { base, adapters };
}
