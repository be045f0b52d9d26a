import { noGrad, scope } from "@disback/torch";
import type { DenoiserModule } from "../models/denoiser.js";

/**
 * Copies the first channels of a larger network's weights into a smaller one of the same architecture. This start is
 * far better than random weights (weight selection, Xu et al. 2024, "Initializing Models with Larger Ones").
 *
 * @param from not changed
 * @param into changed in place, if it has the same tensors by name, none of them larger and at least one smaller
 * @returns whether the weights were copied
 */
export function selectWeights(from: DenoiserModule, into: DenoiserModule): boolean {
  const larger = from.stateDict();
  const smaller = into.stateDict();
  if (larger.size !== smaller.size) return false;
  const pairs = [...smaller].map(([name, tensor]) => [tensor, larger.get(name)] as const);
  if (!pairs.every(([tensor, source]) => source && fits(tensor.shape, source.shape))) return false;
  if (pairs.every(([tensor, source]) => tensor.shape.join() === source!.shape.join())) return false;
  noGrad(() =>
    scope(() => {
      for (const [tensor, source] of pairs)
        tensor.copy_(
          tensor.shape.reduce((cut, length, dimension) => cut.narrow(dimension, 0, length), source!),
        );
    }),
  );
  return true;
}

function fits(shape: readonly number[], into: readonly number[]): boolean {
  return shape.length === into.length && shape.every((length, dimension) => length <= into[dimension]!);
}
