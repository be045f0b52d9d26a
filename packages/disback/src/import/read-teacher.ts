import { TorchError } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { Autoencoder } from "../models/autoencoder/autoencoder.js";
import { buildDenoiser } from "../models/create-denoiser.js";
import type { DenoiserConfig } from "../models/denoiser-config.js";
import type { PreconditionedDenoiser } from "../models/preconditioning/preconditioned.js";
import { refuseAbsurdSizes, weightsWithin } from "../models/sensible-sizes.js";
import { alignKeys } from "./align-keys.js";
import { type StoredWeight, storedNumbers } from "./checkpoint/assembled-tensor.js";
import { loadStoredWeights } from "./load-weights.js";
import { openTeacherSource, type ReadTeacherOptions } from "./teacher-source.js";

/** A teacher from a foreign file. */
export interface ReadTeacher {
  /** in evaluation mode */
  denoiser: PreconditionedDenoiser;
  config: DenoiserConfig;
  /** autoencoder of a latent model, if it came with one */
  autoencoder?: Autoencoder;
  /** kind of file */
  format: string;
  /** class in the file, if known */
  className?: string;
  /** place of the weights in the file, "" for the whole file */
  key: string;
  /** other networks in the file */
  others: string[];
  /** prefix of each weight's key */
  prefix: string;
  /** number of other tensors, left out */
  ignored: number;
  /** notes on unused parts of the original */
  notes: string[];
  parameters: number;
  /** lowest and highest noise level of the training */
  sigmaRange: [lowest: number, highest: number];
}

/**
 * Reads a foreign network as a denoiser, without running anything in the files: a folder of diffusers, safetensors, a
 * pickle of NVlabs/edm or a PyTorch checkpoint.
 * @throws DisbackError naming the file and what is wrong: damaged, refused, unknown, missing or of another shape
 */
export async function readTeacher(path: string, options: ReadTeacherOptions = {}): Promise<ReadTeacher> {
  const source = await openTeacherSource(path, options);
  try {
    const { config, tensors } = source;
    const fail = (problem: string): never => {
      throw new DisbackError(`${source.place}: ${problem}`);
    };
    refuseAbsurdSizes(config, (problem) => {
      throw new DisbackError(`${source.configPlace}: ${problem}`);
    });
    const denoiser = build(config, storedNumbers(tensors), fail);
    try {
      const aligned = alignKeys(tensors, [...denoiser.stateDict().keys()]);
      if (!aligned) return fail(`its weights are not those of a ${config.network} (${firstKeys(tensors)})`);
      await loadStoredWeights(denoiser, aligned.weights, fail, aligned.nameInFile);
      return {
        denoiser: denoiser.eval(),
        config,
        ...(source.autoencoder ? { autoencoder: source.autoencoder } : {}),
        format: source.format,
        ...(source.className === undefined ? {} : { className: source.className }),
        key: source.key,
        others: source.others,
        prefix: aligned.prefix,
        ignored: aligned.ignored,
        notes: source.notes,
        sigmaRange: [denoiser.sigmaMin, denoiser.sigmaMax],
        parameters: denoiser.parameters().reduce((sum, { numel }) => sum + numel, 0),
      };
    } catch (error) {
      denoiser.dispose();
      throw error;
    }
  } finally {
    source.close();
  }
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

function firstKeys(tensors: ReadonlyMap<string, StoredWeight>): string {
  const keys = [...tensors.keys()];
  return `${keys.slice(0, 3).join(", ")}${keys.length > 3 ? ", ..." : ""}`;
}
