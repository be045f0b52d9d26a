import type { DenoiserConfig } from "../../models/denoiser-config.js";
import type { TeacherSource } from "../teacher-source.js";
import { openComponentWeights } from "./component-weights.js";
import { type DiffusersComponent, findComponent, findScheduler, readDiffusersFolder } from "./folder.js";
import { presentKey } from "./present-key.js";
import { describeUNet2D } from "./unet-2d.js";

type Describe = (component: DiffusersComponent, scheduler: DiffusersComponent) => DenoiserConfig;

/** Networks that are rebuilt, by diffusers' classes. */
const networks: Readonly<Record<string, Describe>> = { UNet2DModel: describeUNet2D };

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
  const { config, configPlace } = given ?? {
    config: networks[component.className]!(component, findScheduler(folder)),
    configPlace: component.configPath,
  };
  const weights = await openComponentWeights(component);
  return {
    ...weights,
    format: `diffusers ${folder.pipelineName ?? "model"}, ${weights.format}`,
    tensors: new Map([...weights.tensors].map(([key, tensor]) => [presentKey(key), tensor])),
    className: component.className,
    config,
    configPlace,
    place: weights.path,
    key: component.name,
    others: [],
    notes: notesOn(config),
  };
}

function notesOn({ clipSample }: DenoiserConfig): string[] {
  if (clipSample === undefined) return [];
  return [`the original's sampler cuts its estimates off at ${clipSample}; the denoiser does not`];
}
