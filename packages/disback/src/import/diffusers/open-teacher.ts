import type { AutoencoderKl } from "../../models/autoencoder/autoencoder-kl.js";
import { latentCodec } from "../../models/autoencoder/latent-codec.js";
import { type DenoiserConfig, sampleShape } from "../../models/denoiser-config.js";
import type { TeacherSource } from "../teacher-source.js";
import { readDiffusersAutoencoder } from "./autoencoder.js";
import { openComponentWeights } from "./component-weights.js";
import { describeDit } from "./dit.js";
import {
  type DiffusersComponent,
  type DiffusersFolder,
  findComponent,
  findScheduler,
  readDiffusersFolder,
} from "./folder.js";
import { presentKey } from "./present-key.js";
import { describeUNet2D } from "./unet-2d.js";

type Describe = (component: DiffusersComponent, scheduler: DiffusersComponent) => DenoiserConfig;

/** Networks that are rebuilt, by diffusers' classes. */
const networks: Readonly<Record<string, Describe>> = {
  UNet2DModel: describeUNet2D,
  DiTTransformer2DModel: describeDit,
  // What DiT was called before 2024.
  Transformer2DModel: describeDit,
};

/**
 * Opens the network in a folder of diffusers.
 * @param given a configuration to take instead of what the folder's says
 * @throws DisbackError naming file and field, or file and key
 */
export async function openDiffusersTeacher(
  path: string,
  given?: Pick<TeacherSource, "config" | "configPlace">,
): Promise<TeacherSource> {
  const folder = readDiffusersFolder(path);
  const component = findComponent(folder, Object.keys(networks));
  const autoencoder = await readAutoencoderFor(folder);
  const { config, configPlace } = given ?? {
    config: describe(component, findScheduler(folder), autoencoder !== undefined),
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
    notes: notesOn(config),
  };
}

/** Latents have a standard deviation of about 1, which is what their scaling factor is for. */
function describe(
  component: DiffusersComponent,
  scheduler: DiffusersComponent,
  latent: boolean,
): DenoiserConfig {
  const described = networks[component.className]!(component, scheduler);
  return latent ? { ...described, sigmaData: 1 } : described;
}

/** The pipeline's autoencoder, if it has one that disback knows. */
async function readAutoencoderFor({ components }: DiffusersFolder): Promise<AutoencoderKl | undefined> {
  const component = components.find(({ className }) => className === "AutoencoderKL");
  return component && readDiffusersAutoencoder(component);
}

function notesOn({ clipSample }: DenoiserConfig): string[] {
  if (clipSample === undefined) return [];
  return [`the original's sampler cuts its estimates off at ${clipSample}; the denoiser does not`];
}
