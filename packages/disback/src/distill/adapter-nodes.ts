import { Generator, type Module, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { LowRankDenoiser } from "../models/adapters/low-rank-denoiser.js";
import { DenoiserModule } from "../models/denoiser.js";

/** Adapters on a teacher that change nothing yet. @throws DisbackError if the teacher is not a denoiser */
export function adaptersOn<M extends Module>(teacher: M, rank: number, seed: number): M {
  if (!(teacher instanceof DenoiserModule))
    throw new DisbackError('"rank": adapters need a teacher that is a denoiser');
  return new LowRankDenoiser(teacher, { rank, generator: new Generator(seed) }) as Module as M;
}

/** Rank of a model's adapters on a teacher; `undefined` if it has weights of its own. */
export function rankOn(teacher: Module, model: Module): number | undefined {
  return model instanceof LowRankDenoiser && model.base === teacher ? model.rank : undefined;
}

/**
 * The weights of a denoiser with adapters merged in.
 * @param adapters their state: `layer.up` and `layer.down`
 * @param teacher the base, whose keys the result has
 */
export function mergedState(adapters: ReadonlyMap<string, Tensor>, teacher: Module): Map<string, Tensor> {
  const state = new Map(teacher.stateDict());
  for (const [key, up] of adapters) {
    if (!key.endsWith("up")) continue;
    const layer = key.slice(0, -"up".length);
    const [weight, down] = [state.get(`${layer}weight`), adapters.get(`${layer}down`)];
    if (!weight || !down) continue;
    state.set(`${layer}weight`, weight.add(up.matmul(down).reshape(weight.shape).to(weight.dtype)));
  }
  return state;
}
