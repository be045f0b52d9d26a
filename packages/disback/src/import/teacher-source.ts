import { statSync } from "node:fs";
import { DisbackError } from "../errors.js";
import type { Autoencoder } from "../models/autoencoder/autoencoder.js";
import { latentCodec } from "../models/autoencoder/latent-codec.js";
import { type DenoiserConfig, sampleShape } from "../models/denoiser-config.js";
import type { StoredWeight } from "./checkpoint/assembled-tensor.js";
import { openCheckpoint } from "./checkpoint/open-checkpoint.js";
import { describeObject, describeWeights, failAt } from "./describe-weights.js";
import { isDiffusersFolder } from "./diffusers/folder.js";
import { openDiffusersTeacher } from "./diffusers/open-teacher.js";
import { findWeights } from "./find-weights.js";
import { type GivenFile, ownConfig, readGivenFile } from "./given-file.js";
import { shown } from "./pickle/text-values.js";
import { readAutoencoder } from "./read-autoencoder.js";
import { isSafetensors, openSafetensors } from "./safetensors/open-safetensors.js";

/** Options of an import. */
export interface ReadTeacherOptions {
  /**
   * file (JSON or YAML) with what the weights do not show: a configuration as in a model folder's config.json, or the
   * original's flags; needed if the file has only weights
   */
  config?: string;
  /** key of the network in the file; default: averaged weights if there are any */
  ema?: string;
  /** folder of a latent model's autoencoder, if the file does not contain it */
  autoencoder?: string;
}

/** A foreign network whose weights are not read yet. */
export interface TeacherSource {
  /** kind of file */
  format: string;
  /** weights under our keys, with or without a prefix */
  tensors: ReadonlyMap<string, StoredWeight>;
  /** autoencoder of a latent model, if it came with one */
  autoencoder?: Autoencoder;
  /** whether the file states if its samples are latents; then a given autoencoder is in use or was refused */
  autoencoderSettled?: boolean;
  config: DenoiserConfig;
  /** source of the configuration, for messages */
  configPlace: string;
  /** the file and the place in it, for messages */
  place: string;
  /** class in the file, if known */
  className?: string;
  /** place of the weights in the file, "" for the whole file */
  key: string;
  /** other networks in the file */
  others: string[];
  /** notes on unused parts of the original */
  notes: string[];
  /** Closes the file. */
  close(): void;
}

/**
 * Opens a folder of diffusers, safetensors, a pickle of NVlabs/edm or a PyTorch checkpoint. Nothing in it is run.
 * @throws DisbackError naming the file and what is wrong
 */
export async function openTeacherSource(source: string, options: ReadTeacherOptions): Promise<TeacherSource> {
  const opened = await openSource(source, options);
  if (options.autoencoder === undefined || opened.autoencoderSettled) return opened;
  return closingOnError(opened, async () => {
    if (opened.autoencoder) failAt(source)("comes with its autoencoder, so --autoencoder has no effect");
    const autoencoder = await readAutoencoder(options.autoencoder!);
    latentCodec(autoencoder, sampleShape(opened.config), opened.configPlace);
    return { ...opened, autoencoder };
  });
}

async function openSource(source: string, options: ReadTeacherOptions): Promise<TeacherSource> {
  const given = options.config === undefined ? undefined : readGivenFile(options.config);
  if (isDiffusersFolder(source)) return openDiffusersTeacher(source, given && ownConfig(given));
  if (isFolder(source)) {
    throw new DisbackError(`${source}: a folder without the model_index.json or config.json of diffusers`);
  }
  if (isFile(source) && (await isSafetensors(source))) {
    const weights = openSafetensors(source);
    return closingOnError(weights, async () => ({
      ...(await describeWeights({ tensors: weights.tensors, beside: new Map() }, given, source)),
      format: weights.format,
      ...{ place: source, key: "", others: [] },
      close: weights.close,
    }));
  }
  return openPickled(source, options, given);
}

async function openPickled(
  source: string,
  options: ReadTeacherOptions,
  given: GivenFile | undefined,
): Promise<TeacherSource> {
  const checkpoint = await openCheckpoint(source);
  return closingOnError(checkpoint, async () => {
    const found = findWeights(checkpoint, options.ema);
    const { key, object, others } = found;
    const place = key === "" ? source : `${source}: "${shown(key)}"`;
    const described = object
      ? await describeObject(object, found, { given, place, autoencoder: options.autoencoder })
      : await describeWeights(found, given, place);
    const leftOut = [...found.beside.keys()].filter((name) => !described.used?.includes(name)).map(shown);
    return {
      ...described,
      notes: [...described.notes, ...(leftOut.length > 0 ? [`left out: ${leftOut.join(", ")}`] : [])],
      format: checkpoint.format,
      ...(object ? { className: object.className } : {}),
      ...{ place, key, others },
      close: () => checkpoint.close(),
    };
  });
}

async function closingOnError(
  file: { close(): void },
  describe: () => Promise<TeacherSource>,
): Promise<TeacherSource> {
  try {
    return await describe();
  } catch (error) {
    file.close();
    throw error;
  }
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true;
