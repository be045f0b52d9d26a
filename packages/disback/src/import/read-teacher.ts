import { readFileSync } from "node:fs";
import { TorchError } from "@disback/torch";
import { parse } from "yaml";
import { DisbackError } from "../errors.js";
import { buildDenoiser } from "../models/create-denoiser.js";
import { type DenoiserConfig, parseDenoiserConfig } from "../models/denoiser-config.js";
import type { PreconditionedDenoiser } from "../models/preconditioning/preconditioned.js";
import { refuseAbsurdSizes, weightsWithin } from "../models/sensible-sizes.js";
import { alignKeys } from "./align-keys.js";
import { openCheckpoint } from "./checkpoint/open-checkpoint.js";
import { type StoredTensor, storedNumbers } from "./checkpoint/stored-tensor.js";
import { describeEdmNetwork } from "./edm/edm-network.js";
import { type FoundWeights, findWeights } from "./find-weights.js";
import { loadStoredWeights } from "./load-weights.js";
import { shown } from "./pickle/text-values.js";

/** How a file is turned into a teacher. */
export interface ReadTeacherOptions {
  /** file with a configuration as in a model folder's config.json (JSON or YAML); needed if the file has weights only */
  config?: string;
  /** which of several networks in the file; default: averaged weights if there are any */
  ema?: string;
}

/** A teacher out of someone else's file. */
export interface ReadTeacher {
  /** in evaluation mode */
  denoiser: PreconditionedDenoiser;
  config: DenoiserConfig;
  /** in words: what kind of file it was */
  format: string;
  /** class in the file, if it says */
  className?: string;
  /** where in the file the weights were, "" for the file as a whole */
  key: string;
  /** other networks in the file */
  others: string[];
  /** what stood before each weight's key */
  prefix: string;
  /** tensors beside the network's, left out */
  ignored: number;
  parameters: number;
}

/**
 * Reads a pickle of NVlabs/edm or a PyTorch checkpoint as a denoiser, without running anything in it.
 * @throws DisbackError naming the file and what is wrong: damaged, refused, unknown, missing or of another shape
 */
export async function readTeacher(source: string, options: ReadTeacherOptions = {}): Promise<ReadTeacher> {
  const checkpoint = await openCheckpoint(source);
  try {
    const found = findWeights(checkpoint, options.ema);
    const place = found.key === "" ? source : `${source}: "${shown(found.key)}"`;
    const fail = (problem: string): never => {
      throw new DisbackError(`${place}: ${problem}`);
    };
    const config = configOf(found, options.config, place, fail);
    const numbers = storedNumbers(found.tensors);
    const denoiser = build(config, numbers, fail);
    try {
      const aligned = alignKeys(found.tensors, [...denoiser.stateDict().keys()]);
      if (!aligned)
        return fail(`its weights are not those of a ${config.network} (${firstKeys(found.tensors)})`);
      await loadStoredWeights(denoiser, aligned.weights, fail);
      return {
        denoiser: denoiser.eval(),
        config,
        format: checkpoint.format,
        ...(found.object ? { className: found.object.className } : {}),
        key: found.key,
        others: found.others,
        prefix: aligned.prefix,
        ignored: aligned.ignored,
        parameters: denoiser.parameters().reduce((sum, { numel }) => sum + numel, 0),
      };
    } catch (error) {
      denoiser.dispose();
      throw error;
    }
  } finally {
    checkpoint.close();
  }
}

function configOf(
  { object, tensors }: FoundWeights,
  file: string | undefined,
  place: string,
  fail: (problem: string) => never,
): DenoiserConfig {
  const config = file !== undefined ? readConfig(file) : undefined;
  if (config) {
    refuseAbsurdSizes(config, (problem) => {
      throw new DisbackError(`${file}: ${problem}`);
    });
    return config;
  }
  if (!object) {
    return fail(
      `${tensors.size} tensors that do not say what network they are of: give its configuration with --config`,
    );
  }
  const described = parseDenoiserConfig(describeEdmNetwork(object, fail), place);
  refuseAbsurdSizes(described, fail);
  return described;
}

function readConfig(file: string): DenoiserConfig {
  let value: unknown;
  try {
    value = parse(readFileSync(file, "utf8"));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const reason = missing ? "no such file" : (error as Error).message.split("\n")[0];
    throw new DisbackError(`--config ${file}: ${reason}`);
  }
  return parseDenoiserConfig(value, file);
}

function build(
  config: DenoiserConfig,
  numbers: number,
  fail: (problem: string) => never,
): PreconditionedDenoiser {
  try {
    return buildDenoiser(config, weightsWithin(numbers, fail));
  } catch (error) {
    if (error instanceof TorchError) return fail(`the network cannot be built: ${error.message}`);
    throw error;
  }
}

function firstKeys(tensors: ReadonlyMap<string, StoredTensor>): string {
  const keys = [...tensors.keys()];
  return `${keys.slice(0, 3).join(", ")}${keys.length > 3 ? ", ..." : ""}`;
}
