import { DisbackError } from "../errors.js";
import { latentCodec } from "../models/autoencoder/latent-codec.js";
import { type DenoiserConfigInput, parseDenoiserConfig, sampleShape } from "../models/denoiser-config.js";
import { describeEdmNetwork } from "./edm/edm-network.js";
import type { PersistentObject } from "./edm/persistent-object.js";
import { describeEdm2Network, isEdm2, withoutUncertainty } from "./edm2/edm2-network.js";
import { edm2Autoencoder } from "./edm2/latents.js";
import { type FoundWeights, withoutPrefix } from "./find-weights.js";
import { type GivenFile, ownConfig } from "./given-file.js";
import { describeAdm } from "./guided-diffusion/describe.js";
import { isAdm } from "./guided-diffusion/structure.js";
import { describeScoreSde } from "./score-sde/describe.js";
import type { TeacherSource } from "./source.js";
import { weightsHint, whoseWeights } from "./whose-weights.js";

/** What a network is, and its weights. */
export type Described = Pick<
  TeacherSource,
  "config" | "configPlace" | "tensors" | "notes" | "autoencoder" | "autoencoderSettled"
> & {
  /** other used parts of the file, by name */
  used?: readonly string[];
};

/** A network that was pickled as an object has its own description. */
export async function describeObject(
  object: PersistentObject,
  { tensors, beside }: FoundWeights,
  from: { given: GivenFile | undefined; place: string; autoencoder: string | undefined },
): Promise<Described> {
  const { given, place } = from;
  const fail = failAt(place);
  const known = (describe: () => DenoiserConfigInput) =>
    given ? ownConfig(given) : { config: parseDenoiserConfig(describe(), place), configPlace: place };
  if (!isEdm2(object)) return { ...known(() => describeEdmNetwork(object, fail)), tensors, notes: [] };
  const described = known(() => describeEdm2Network(object, fail));
  const autoencoder = await edm2Autoencoder(beside.get("encoder"), from.autoencoder, fail);
  if (autoencoder) latentCodec(autoencoder, sampleShape(described.config), described.configPlace);
  return {
    ...described,
    tensors: withoutUncertainty(tensors),
    notes: ["the estimate of uncertainty (logvar), which only its training uses, is left out"],
    ...(autoencoder ? { autoencoder } : {}),
    autoencoderSettled: true,
    used: ["encoder"],
  };
}

/** Weights alone have not: their keys tell the source, and a given file the rest. */
export async function describeWeights(
  { tensors, beside }: Pick<FoundWeights, "tensors" | "beside">,
  given: GivenFile | undefined,
  place: string,
): Promise<Described> {
  const fail = failAt(place);
  const configPlace = given?.place ?? place;
  const adm = withoutPrefix(tensors, "input_blocks.0.0.weight");
  if (adm && isAdm(adm)) return { ...describeAdm(adm, given, fail), configPlace };
  const scoreSde =
    withoutPrefix(tensors, "all_modules.0.weight") ?? withoutPrefix(tensors, "all_modules.0.W");
  if (scoreSde) return { ...(await describeScoreSde(scoreSde, beside.get("ema"), given, fail)), configPlace };
  const whose = whoseWeights(tensors.keys());
  if (whose !== undefined) return fail(`the weights are ${whose}`);
  if (given) return { ...ownConfig(given), tensors, notes: [] };
  const hint = weightsHint(new Set(tensors.keys()));
  return fail(
    `${tensors.size} tensors that do not identify their network${hint}: give its configuration with --config`,
  );
}

/** Makes a function that throws an error naming a place. */
export const failAt =
  (place: string) =>
  (problem: string): never => {
    throw new DisbackError(`${place}: ${problem}`);
  };
