import { noGrad } from "../autograd.js";
import { type NativeFunction, native } from "../binding.js";
import { stack } from "../creation.js";
import { handles, resolve, wrap } from "../door.js";
import { ops } from "../ops.js";
import { scope } from "../scope.js";
import type { Tensor } from "../tensor.js";

/**
 * Scales all gradients together so that their joint 2-norm is at most `maxNorm` (Pascanu et al. 2012, algorithm 1).
 * @param known the norm, if it is known already
 * @returns the norm before clipping, as a tensor [] so that the device need not be synchronised; 0 if there are no
 *   gradients
 */
export function clipGradNorm(
  parameters: Tensor[],
  maxNorm: number,
  known?: Tensor | number,
): Tensor | number {
  return noGrad(() =>
    scope(() =>
      borrowGradients(handles(parameters), (all) => {
        const gradients = all.filter((handle) => handle !== 0);
        const norm = known ?? jointNorm(gradients);
        if (typeof norm === "number") return norm;
        // As in PyTorch: never scale up, and 1e-6 avoids division by zero.
        const factor = norm.add(1e-6).pow(-1).mul(maxNorm).clamp(undefined, 1);
        ops._foreach_mul__Scalar(gradients, factor);
        return norm;
      }),
    ),
  );
}

/**
 * The joint 2-norm of all gradients, as a tensor [] so that the device need not be synchronised; 0 if there are none.
 */
export function gradNorm(parameters: Tensor[]): Tensor | number {
  return noGrad(() =>
    scope(() =>
      borrowGradients(handles(parameters), (all) => jointNorm(all.filter((handle) => handle !== 0))),
    ),
  );
}

function jointNorm(gradients: Uint32Array): Tensor | 0 {
  return gradients.length === 0 ? 0 : stack(ops._foreach_norm(gradients, 2)).norm();
}

export interface ReplaceNonFiniteOptions {
  /** default 0 */
  nan?: number;
  /** default 1e5 */
  positiveInfinity?: number;
  /** default -1e5 */
  negativeInfinity?: number;
}

let clean: NativeFunction | undefined;

/**
 * Replaces NaN and infinite gradients in place, as Diff-Instruct's and SiD's loops do.
 * @returns the gradients' joint 2-norm afterwards, as a tensor []; 0 if there are none
 */
export function replaceNonFiniteGradients(
  parameters: Tensor[],
  options: ReplaceNonFiniteOptions = {},
): Tensor | number {
  const { nan = 0, positiveInfinity = 1e5, negativeInfinity = -1e5 } = options;
  return noGrad(() =>
    borrowGradients(handles(parameters), (all) => {
      const gradients = all.filter((handle) => handle !== 0);
      if (gradients.length === 0) return 0;
      clean ??= resolve("disback::clean_", "");
      return wrap(clean(gradients, nan, positiveInfinity, negativeInfinity));
    }),
  );
}

/** The gradients of parameters in one call of the addon, undefined where there is none. */
export function gradientsOf(parameters: readonly Tensor[]): (Tensor | undefined)[] {
  const found = new Uint32Array(parameters.length);
  native.grads(handles(parameters), found);
  return Array.from(found, (handle) => (handle === 0 ? undefined : wrap(handle)));
}

/**
 * Lends `body` the handles of the parameters' gradients, 0 if there is none, without making tensor objects.
 * @internal
 */
export function borrowGradients<T>(
  parameters: Uint32Array | readonly number[],
  body: (gradients: Uint32Array) => T,
): T {
  const gradients = new Uint32Array(parameters.length);
  native.grads(parameters, gradients);
  try {
    return body(gradients);
  } finally {
    native.releaseMany(gradients, gradients.length);
  }
}
