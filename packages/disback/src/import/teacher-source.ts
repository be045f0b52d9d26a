import { readFileSync, statSync } from "node:fs";
import { parse } from "yaml";
import { DisbackError } from "../errors.js";
import type { Autoencoder } from "../models/autoencoder/autoencoder.js";
import { type DenoiserConfig, parseDenoiserConfig } from "../models/denoiser-config.js";
import type { StoredWeight } from "./checkpoint/assembled-tensor.js";
import { openCheckpoint } from "./checkpoint/open-checkpoint.js";
import type { StoredTensor } from "./checkpoint/stored-tensor.js";
import { isDiffusersFolder } from "./diffusers/folder.js";
import { openDiffusersTeacher } from "./diffusers/open-teacher.js";
import { describeEdmNetwork } from "./edm/edm-network.js";
import type { PersistentObject } from "./edm/persistent-object.js";
import { findWeights, withoutPrefix } from "./find-weights.js";
import { describeAdm } from "./guided-diffusion/describe.js";
import { isAdm } from "./guided-diffusion/structure.js";
import { shown } from "./pickle/text-values.js";
import { isSafetensors, openSafetensors } from "./safetensors/open-safetensors.js";
import { weightsHint, whoseWeights } from "./whose-weights.js";

/** How a file is turned into a teacher. */
export interface ReadTeacherOptions {
  /**
   * file with what the weights do not tell (JSON or YAML): a configuration as in a model folder's config.json, or the
   * original's flags; needed if the file has weights only
   */
  config?: string;
  /** which of several networks in the file; default: averaged weights if there are any */
  ema?: string;
}

/** Someone else's network, of which the weights are not read yet. */
export interface TeacherSource {
  /** in words: what kind of file it is */
  format: string;
  /** under keys of ours, with or without a prefix */
  tensors: ReadonlyMap<string, StoredWeight>;
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
  /** Ends the reading. */
  close(): void;
}

/** What a configuration file holds, unchecked, and its path. */
export interface GivenFile {
  value: unknown;
  place: string;
}

/**
 * Opens a folder of diffusers, safetensors, a pickle of NVlabs/edm or a PyTorch checkpoint. Nothing in it is run.
 * @throws DisbackError naming the file and what is wrong
 */
export async function openTeacherSource(source: string, options: ReadTeacherOptions): Promise<TeacherSource> {
  const given = options.config === undefined ? undefined : readConfigFile(options.config);
  if (isDiffusersFolder(source)) return openDiffusersTeacher(source, given && ownConfig(given));
  if (isFolder(source)) {
    throw new DisbackError(`${source}: a folder without the model_index.json or config.json of diffusers`);
  }
  if (isFile(source) && (await isSafetensors(source))) {
    const weights = openSafetensors(source);
    return closingOnError(weights, () => ({
      ...describeWeights(weights.tensors, given, source),
      format: weights.format,
      ...{ place: source, key: "", others: [] },
      close: weights.close,
    }));
  }
  return openPickled(source, options.ema, given);
}

async function openPickled(
  source: string,
  ema: string | undefined,
  given: GivenFile | undefined,
): Promise<TeacherSource> {
  const checkpoint = await openCheckpoint(source);
  return closingOnError(checkpoint, () => {
    const { key, object, tensors, others, leftOut } = findWeights(checkpoint, ema);
    const place = key === "" ? source : `${source}: "${shown(key)}"`;
    const described = object
      ? { ...describeObject(object, given, place), tensors, notes: [] }
      : describeWeights(tensors, given, place);
    const aside = leftOut.length > 0 ? [`left out: ${leftOut.join(", ")}`] : [];
    return {
      ...described,
      notes: [...described.notes, ...aside],
      format: checkpoint.format,
      ...(object ? { className: object.className } : {}),
      ...{ place, key, others },
      close: () => checkpoint.close(),
    };
  });
}

function closingOnError(file: { close(): void }, describe: () => TeacherSource): TeacherSource {
  try {
    return describe();
  } catch (error) {
    file.close();
    throw error;
  }
}

type Described = Pick<TeacherSource, "config" | "configPlace" | "tensors" | "notes">;

/** A network that was pickled as an object tells what it is. */
function describeObject(
  object: PersistentObject,
  given: GivenFile | undefined,
  place: string,
): Pick<TeacherSource, "config" | "configPlace"> {
  if (given) return ownConfig(given);
  const described = describeEdmNetwork(object, failAt(place));
  return { config: parseDenoiserConfig(described, place), configPlace: place };
}

/** Weights alone do not: their keys say whose they are, a file what they do not tell. */
function describeWeights(
  tensors: ReadonlyMap<string, StoredTensor>,
  given: GivenFile | undefined,
  place: string,
): Described {
  const fail = failAt(place);
  const adm = withoutPrefix(tensors, "input_blocks.0.0.weight");
  if (adm && isAdm(adm)) return { ...describeAdm(adm, given, fail), configPlace: given?.place ?? place };
  const whose = whoseWeights(tensors.keys());
  if (whose !== undefined) return fail(`the weights are ${whose}`);
  if (given) return { ...ownConfig(given), tensors, notes: [] };
  const hint = weightsHint(new Set(tensors.keys()));
  return fail(
    `${tensors.size} tensors that do not say what network they are of${hint}: give its configuration with --config`,
  );
}

const failAt =
  (place: string) =>
  (problem: string): never => {
    throw new DisbackError(`${place}: ${problem}`);
  };

/** A configuration in the words of a model folder's config.json. */
function ownConfig({ value, place }: GivenFile): Pick<TeacherSource, "config" | "configPlace"> {
  return { config: parseDenoiserConfig(value, place), configPlace: place };
}

/** JSON or YAML, or flags as they stand on a command line. */
function readConfigFile(file: string): GivenFile {
  try {
    const text = readFileSync(file, "utf8");
    const value = text.trimStart().startsWith("--") ? parseFlags(text) : parse(text, { logLevel: "error" });
    return { value, place: file };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const reason = missing ? "no such file" : (error as Error).message.split("\n")[0];
    throw new DisbackError(`--config ${file}: ${reason}`);
  }
}

/** `--image_size 64 --class_cond True`, as guided-diffusion's README has them. */
function parseFlags(text: string): Record<string, string> {
  const words = text.trim().split(/[\s=\\]+/);
  const pairs: Record<string, string> = {};
  for (let index = 0; index < words.length; index += 2) {
    const [name, value] = [words[index]!, words[index + 1]];
    if (!name.startsWith("--") || value === undefined || value.startsWith("--")) {
      throw new Error(`"${name}" is no flag with a value`);
    }
    pairs[name.slice(2)] = value;
  }
  return pairs;
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true;
