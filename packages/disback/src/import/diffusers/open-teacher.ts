import { join } from "node:path";
import { DisbackError } from "../../errors.js";
import { latentCodec } from "../../models/autoencoder/latent-codec.js";
import { type DenoiserConfig, sampleShape } from "../../models/denoiser-config.js";
import { shown } from "../pickle/text-values.js";
import type { TeacherSource } from "../source.js";
import { autoencoderClasses, readDiffusersAutoencoder } from "./autoencoder.js";
import { openComponentWeights } from "./component-weights.js";
import { describeDit } from "./dit.js";
import {
  type DiffusersComponent,
  type DiffusersFolder,
  findComponent,
  findScheduler,
  isScheduler,
  otherParts,
  pipelineFile,
  readDiffusersFolder,
} from "./folder.js";
import { changesEstimates } from "./noise-schedule.js";
import { presentKey } from "./present-key.js";
import { describeUNet2D } from "./unet-2d.js";

type Describe = (component: DiffusersComponent, scheduler: DiffusersComponent) => DenoiserConfig;

/** Supported networks, by diffusers' classes. */
const networks: Readonly<Record<string, Describe>> = {
  UNet2DModel: describeUNet2D,
  DiTTransformer2DModel: describeDit,
  // The name of DiT before 2024.
  Transformer2DModel: describeDit,
};

/**
 * Opens the network in a folder of diffusers.
 * @param given a configuration that replaces the folder's
 * @throws DisbackError naming file and field, or file and key
 */
export async function openDiffusersTeacher(
  path: string,
  given?: Pick<TeacherSource, "config" | "configPlace">,
): Promise<TeacherSource> {
  const folder = readDiffusersFolder(path);
  const component = findComponent(folder, Object.keys(networks));
  const decoder = decoderOf(folder);
  // A given configuration also has the noise levels.
  const scheduler = given ? folder.components.find(isScheduler) : findScheduler(folder);
  const leftOut = refuseOtherParts(folder, [component, scheduler, decoder]);
  const autoencoder = decoder && (await readDiffusersAutoencoder(decoder));
  const { config, configPlace } = given ?? {
    config: describe(component, scheduler!, autoencoder !== undefined),
    configPlace: component.configPath,
  };
  if (autoencoder) latentCodec(autoencoder, sampleShape(config), configPlace);
  const weights = await openComponentWeights(component);
  return {
    ...weights,
    format: `diffusers ${folder.pipelineName ?? "model"}, ${weights.format}`,
    tensors: new Map([...weights.tensors].map(([key, tensor]) => [presentKey(key), tensor])),
    className: component.className,
    config,
    configPlace,
    ...(autoencoder ? { autoencoder } : {}),
    place: weights.path,
    key: component.name,
    others: [],
    notes: [...notesOn(config), ...(scheduler ? changesEstimates(scheduler) : []), ...leftOut],
  };
}

/** The scaling factor gives latents a standard deviation of about 1. */
function describe(
  component: DiffusersComponent,
  scheduler: DiffusersComponent,
  latent: boolean,
): DenoiserConfig {
  const described = networks[component.className]!(component, scheduler);
  return latent ? { ...described, sigmaData: 1 } : described;
}

/** The part that decodes the network's samples to images, if there is one. */
function decoderOf({ components }: DiffusersFolder): DiffusersComponent | undefined {
  return components.find(({ className }) => autoencoderClasses.includes(className));
}

/** Parts that do not change the samples. */
const aside: ReadonlySet<string> = new Set([
  ...["safety_checker", "feature_extractor", "requires_safety_checker", "id2label"],
]);

/**
 * Every part of a pipeline is used, or known to be irrelevant, or refused, because it may decode or condition the
 * samples.
 * @returns notes on what is left out
 */
function refuseOtherParts(
  folder: DiffusersFolder,
  used: readonly (DiffusersComponent | undefined)[],
): string[] {
  const others = otherParts(
    folder,
    used.filter((part) => part !== undefined),
  );
  const unknown = others.find(({ name }) => !aside.has(name));
  if (unknown) {
    const { name, description } = unknown;
    throw new DisbackError(
      `${join(folder.path, pipelineFile)}: "${shown(name)}" (${shown(description)}): disback does not know this part ` +
        `of a pipeline; decoders it reads are ${autoencoderClasses.join(" and ")}`,
    );
  }
  return others.length > 0 ? [`left out: ${others.map(({ name }) => name).join(", ")}`] : [];
}

function notesOn({ clipSample }: DenoiserConfig): string[] {
  if (clipSample === undefined) return [];
  return [`the original's sampler clips its estimates at ${clipSample}; the denoiser does not`];
}
