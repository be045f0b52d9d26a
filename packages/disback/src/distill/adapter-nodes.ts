import { Generator, type Module, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { type AdaptedLayers, LowRankDenoiser } from "../models/adapters/low-rank-denoiser.js";
import { DenoiserModule } from "../models/denoiser.js";
import { TaskAdapters } from "../models/tasks/task-adapters.js";

/** Which adapters: their rank, and the layers that have one. */
export interface AdapterShape {
  rank: number;
  layers?: AdaptedLayers | undefined;
}

/** Adapters on a teacher that change nothing yet. @throws DisbackError if the teacher is not a denoiser */
export function adaptersOn<M extends Module>(teacher: M, { rank, layers }: AdapterShape, seed: number): M {
  if (!(teacher instanceof DenoiserModule))
    throw new DisbackError('"rank": adapters need a teacher that is a denoiser');
  const options = { rank, ...(layers ? { layers } : {}), generator: new Generator(seed) };
  return new LowRankDenoiser(teacher, options) as Module as M;
}

/**
 * Which adapters on the teacher a model beside a student is: of the given rank; else as the student's, if the student is
 * adapters on the teacher, or for each of its tasks; else none.
 */
export function adapterShape(
  rank: number | undefined,
  student: Module,
  teacher: Module,
): AdapterShape | undefined {
  const own =
    student instanceof TaskAdapters || (student instanceof LowRankDenoiser && student.base === teacher)
      ? student
      : undefined;
  const shape = rank ?? own?.rank;
  return shape === undefined ? undefined : { rank: shape, layers: own?.layers ?? "all" };
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
