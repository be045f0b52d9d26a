import { readFileSync, statSync } from "node:fs";
import { parse } from "yaml";
import { DisbackError } from "../errors.js";
import type { Autoencoder } from "../models/autoencoder/autoencoder.js";
import { type DenoiserConfig, parseDenoiserConfig } from "../models/denoiser-config.js";
import { openCheckpoint } from "./checkpoint/open-checkpoint.js";
import { isDiffusersFolder } from "./diffusers/folder.js";
import { openDiffusersTeacher } from "./diffusers/open-teacher.js";
import { describeEdmNetwork } from "./edm/edm-network.js";
import { findWeights } from "./find-weights.js";
import { shown } from "./pickle/text-values.js";
import { isSafetensors, openSafetensors } from "./safetensors/open-safetensors.js";
import type { StoredWeights } from "./stored-weights.js";

/** How a file is turned into a teacher. */
export interface ReadTeacherOptions {
  /** file with a configuration as in a model folder's config.json (JSON or YAML); needed if the file has weights only */
  config?: string;
  /** which of several networks in the file; default: averaged weights if there are any */
  ema?: string;
}

/** Someone else's network, of which the weights are not read yet. */
export interface TeacherSource extends StoredWeights {
  /** what its samples are latents of, if it came with one */
  autoencoder?: Autoencoder;
  config: DenoiserConfig;
  /** where the configuration is from, for messages */
  configPlace: string;
  /** the file, and the place in it, for messages */
  place: string;
  /** class in the file, if it says */
  className?: string;
  /** where in the file the weights are, "" for the file as a whole */
  key: string;
  /** other networks in the file */
  others: string[];
  /** what of the original does not go into the denoiser, in words */
  notes: string[];
}

/**
 * Opens a folder of diffusers, safetensors, a pickle of NVlabs/edm or a PyTorch checkpoint. Nothing in it is run.
 * @throws DisbackError naming the file and what is wrong
 */
export async function openTeacherSource(source: string, options: ReadTeacherOptions): Promise<TeacherSource> {
  const given =
    options.config === undefined
      ? undefined
      : { config: readConfig(options.config), configPlace: options.config };
  if (isDiffusersFolder(source)) return openDiffusersTeacher(source, given);
  if (isFolder(source)) {
    throw new DisbackError(`${source}: a folder without the model_index.json or config.json of diffusers`);
  }
  if (isFile(source) && (await isSafetensors(source))) {
    const weights = openSafetensors(source);
    const described = { ...weights, place: source, key: "", others: [], notes: [] };
    if (given) return { ...described, ...given };
    weights.close();
    return fail(source, weightsOnly(weights));
  }
  return openPickled(source, options.ema, given);
}

async function openPickled(
  source: string,
  ema: string | undefined,
  given: Pick<TeacherSource, "config" | "configPlace"> | undefined,
): Promise<TeacherSource> {
  const checkpoint = await openCheckpoint(source);
  try {
    const { key, object, tensors, others, leftOut } = findWeights(checkpoint, ema);
    const place = key === "" ? source : `${source}: "${shown(key)}"`;
    const fails = (problem: string) => fail(place, problem);
    const described = () => (object ? describeEdmNetwork(object, fails) : fails(weightsOnly({ tensors })));
    return {
      format: checkpoint.format,
      ...(object ? { className: object.className } : {}),
      ...(given ?? { config: parseDenoiserConfig(described(), place), configPlace: place }),
      ...{ place, key, others, tensors },
      notes: leftOut.length > 0 ? [`left out: ${leftOut.join(", ")}`] : [],
      close: () => checkpoint.close(),
    };
  } catch (error) {
    checkpoint.close();
    throw error;
  }
}

function fail(place: string, problem: string): never {
  throw new DisbackError(`${place}: ${problem}`);
}

function weightsOnly({ tensors }: Pick<StoredWeights, "tensors">): string {
  return `${tensors.size} tensors that do not say what network they are of: give its configuration with --config`;
}

function readConfig(file: string): DenoiserConfig {
  let value: unknown;
  try {
    value = parse(readFileSync(file, "utf8"), { logLevel: "error" });
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const reason = missing ? "no such file" : (error as Error).message.split("\n")[0];
    throw new DisbackError(`--config ${file}: ${reason}`);
  }
  return parseDenoiserConfig(value, file);
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true;
