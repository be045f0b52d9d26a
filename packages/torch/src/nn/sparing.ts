import { currentAutocast } from "../autocast.js";
import { enableGrad, noGrad } from "../autograd.js";
import { native } from "../binding.js";
import { wrap } from "../door.js";
import { keep, scope } from "../scope.js";
import type { Tensor } from "../tensor.js";
import { activeAdapters } from "./adapters.js";

/** How a tensor is made again from a smaller set of tensors, or from one that is kept anyway. */
export interface Recipe {
  readonly source: Tensor;
  readonly make: (source: Tensor) => Tensor;
}

const recipes = new WeakMap<Tensor, Recipe>();

/** Whether graphs keep less: in passes with adapters, whose base is frozen. Not in mixed precision. */
export function sparing(): boolean {
  return activeAdapters() !== undefined && native.gradMode() && !currentAutocast();
}

/**
 * A cheap function of frozen weights, such as a normalization and its activation. In a pass with adapters only its input
 * is kept, and the function is run again in the backward pass, also for the layer that it feeds. The same result.
 * @param make must not use weights that are trained, nor random numbers
 */
export function recomputed(make: (input: Tensor) => Tensor, input: Tensor): Tensor {
  if (!sparing() || !input.requiresGrad) return make(input);
  const source = keep(input.detach());
  const output = withBackward(
    [input],
    () => make(source),
    (incoming) => {
      const leaf = source.detach().requiresGrad_(true);
      const result = enableGrad(() => make(leaf));
      source.dispose();
      const [handle] = native.gradient(
        [result.handle],
        [leaf.handle],
        [incoming.handle],
        false,
        false,
        false,
      );
      return [wrap(handle!)];
    },
  );
  recipes.set(output, { source, make });
  return output;
}

/** How a layer's input is made again, if `recomputed` made it. */
export function recipeOf(input: Tensor): Recipe | undefined {
  return recipes.get(input);
}

/**
 * A function with a backward pass of its own, of which the graph keeps nothing but what `back` holds.
 * @param run computes the result, without a graph
 * @param back gives the gradients of the inputs, undefined for those that need none; called at most once
 */
export function withBackward(
  inputs: readonly Tensor[],
  run: () => Tensor,
  back: (incoming: Tensor) => (Tensor | undefined)[],
): Tensor {
  const value = noGrad(() => scope(run));
  const again = ([incoming]: (number | null)[]) =>
    scope(() => {
      if (incoming == null) return inputs.map(() => null);
      const given = wrap(incoming);
      return noGrad(() => back(given)).map((gradient) => gradient && taken(gradient));
    });
  const handles = inputs.map((input) => input.handle);
  const [handle] = native.checkpointed([value.handle], handles, again as never);
  value.dispose();
  return wrap(handle!);
}

/** The handle of a tensor, which now belongs to the caller. */
function taken(tensor: Tensor): number {
  const { handle } = tensor;
  tensor.handle = 0;
  return handle;
}
