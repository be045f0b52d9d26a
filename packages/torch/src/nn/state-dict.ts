import { noGrad } from "../autograd.js";
import { CheckpointError } from "../errors.js";
import type { Tensor } from "../tensor.js";

export interface LoadOptions {
  /** Missing and unexpected keys are errors (default true). */
  strict?: boolean;
  /** Convert tensors of another dtype instead of refusing them (default false). */
  cast?: boolean;
}

/**
 * Copies `given` into `expected` by key, after checking all of it.
 * @throws CheckpointError naming missing and unexpected keys, or the first tensors of another shape or dtype
 */
export function loadTensors(
  expected: ReadonlyMap<string, Tensor>,
  given: ReadonlyMap<string, Tensor>,
  { strict = true, cast = false }: LoadOptions = {},
): void {
  const problems: string[] = [];
  const missing = [...expected.keys()].filter((name) => !given.has(name));
  const unexpected = [...given.keys()].filter((name) => !expected.has(name));
  if (strict && missing.length > 0) problems.push(`missing ${enumerate(missing)}`);
  if (strict && unexpected.length > 0) problems.push(`unexpected ${enumerate(unexpected)}`);
  const mismatches: string[] = [];
  for (const [name, target] of expected) {
    const source = given.get(name);
    if (source) mismatches.push(...compare(name, target, source, cast));
  }
  if (mismatches.length > 0) problems.push(enumerate(mismatches));
  if (problems.length > 0) throw new CheckpointError(`state dict: ${problems.join("; ")}`);
  noGrad(() => {
    for (const [name, target] of expected) {
      const source = given.get(name);
      if (source) target.copy_(source);
    }
  });
}

function compare(name: string, target: Tensor, source: Tensor, cast: boolean): string[] {
  const shape = source.shape;
  if (shape.length !== target.ndim || target.shape.some((size, axis) => size !== shape[axis])) {
    return [`${name} has shape [${shape.join(", ")}] instead of [${target.shape.join(", ")}]`];
  }
  if (!cast && source.dtype !== target.dtype)
    return [`${name} has dtype ${source.dtype} instead of ${target.dtype}`];
  return [];
}

function enumerate(items: string[]): string {
  const shown = items.slice(0, 5).join(", ");
  return items.length > 5 ? `${shown} and ${items.length - 5} more` : shown;
}
