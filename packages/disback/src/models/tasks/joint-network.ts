import { Generator, noGrad, ops, scope, type Tensor } from "@disback/torch";
import { classesOf } from "../condition.js";
import { createDenoiser } from "../create-denoiser.js";
import { type DenoiserConfig, parseDenoiserConfig } from "../denoiser-config.js";
import type { ConfiguredDenoiser } from "../without-labels.js";
import type { TaskConfig } from "./storage.js";
import type { TaskDenoiser } from "./task-denoiser.js";

/** The configuration of one network for all tasks: the first task's network, with the classes of all. */
export function jointConfig({ facts }: TaskDenoiser, [first]: readonly TaskConfig[]): DenoiserConfig {
  return parseDenoiserConfig({
    ...first!.model,
    labelDim: facts.condition.class![0],
    // "No class" would be no task.
    labelDropout: 0,
    classNames: facts.classNames,
    tasks: facts.tasks,
    sigmaData: facts.sigmaData,
  });
}

/** Networks whose labels enter by a layer `map_label` that takes them as they are, or times the root of their number. */
const labelScales: Partial<Record<DenoiserConfig["network"], (classes: number) => number>> = {
  mlp: Math.sqrt,
  "song-unet": Math.sqrt,
  "dhariwal-unet": () => 1,
};

/**
 * One network for all tasks that starts with the first teacher's weights: the first task's estimates are its teacher's, and
 * other classes start as "no class". In networks that are none of `labelScales`, what depends on the number of classes is random.
 *
 * @param config as `jointConfig` gives it; that of the result has the first teacher's `sigmaData`
 * @param options.shared whether weights that fit are the teacher's own tensors, not copies, for a network that is not trained
 */
export function jointStart(
  teacher: TaskDenoiser,
  { ...given }: DenoiserConfig,
  seed: number,
  { shared = false }: { shared?: boolean } = {},
): ConfiguredDenoiser {
  const first = teacher.tasks.at(0)!;
  const config = parseDenoiserConfig({ ...given, sigmaData: first.facts.sigmaData });
  const denoiser = createDenoiser(config, { generator: new Generator(seed) });
  const known = first.stateDict();
  const { device } = first.parameters()[0]!;
  denoiser.to({ device });
  const scaleOf = labelScales[config.network];
  noGrad(() =>
    scope(() => {
      for (const [key, tensor] of denoiser.stateDict()) {
        const own = known.get(key);
        if (own?.shape.join() === tensor.shape.join()) {
          if (shared) ops.set_data(tensor, own);
          else tensor.copy_(own);
        } else if (scaleOf && key.includes("map_label")) {
          takeClasses(tensor, own, scaleOf(classesOf(first.facts)) / scaleOf(config.labelDim));
        }
      }
    }),
  );
  return { denoiser: denoiser.eval(), config };
}

/** @param weight `[out, K]`, or a bias @param first of fewer classes, `[out, L]` */
function takeClasses(weight: Tensor, first: Tensor | undefined, scale: number): void {
  weight.zero_();
  if (first) weight.narrow(1, 0, first.shape[1]!).copy_(first.mul(scale));
}
