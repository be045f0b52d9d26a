import {
  type DType,
  scope,
  type Tensor,
  type Trace,
  type TracedCall,
  TracedValue,
  trace,
} from "@disback/torch";
import { DisbackError } from "../../errors.js";

/** Size of an axis; null for one that grows with the batch. */
export type Size = number | null;

/** A tensor of a traced network for any batch size. */
export interface BatchedValue {
  readonly sizes: readonly Size[];
  readonly dtype: DType;
  /** the tensor, if no input has an influence on it */
  readonly constant?: Tensor;
}

/** One call of an operator, by the schema's names; tensors are `BatchedValue`s. */
export interface BatchedCall {
  /** with overload, without namespace and the mark of working in place: "add.Tensor" */
  operator: string;
  arguments: Readonly<Record<string, unknown>>;
  results: readonly BatchedValue[];
}

/** A network's operators for any batch size. */
export interface BatchedTrace {
  inputs: readonly BatchedValue[];
  calls: readonly BatchedCall[];
  outputs: readonly BatchedValue[];
}

/** Two sizes that no axis has by chance at once: whatever differs between them follows the batch. */
const batches = [2, 3] as const;

/** Arguments that state the shape of the result, which is known anyway. */
const shapeArguments = new Set(["size", "shape", "output_size", "sizes"]);

/**
 * Traces a network with two batch sizes; what differs follows the batch.
 * @param inputs example inputs for a batch size, their first axis the batch
 * @throws DisbackError if the network does something else for another batch size
 */
export function traceBatched(
  network: (...inputs: Tensor[]) => Tensor,
  inputs: (batch: number) => Tensor[],
): BatchedTrace {
  const [first, second] = batches.map((batch) => trace(network, ...inputs(batch))) as [Trace, Trace];
  const merge = new Merge();
  const pairs = <T>(a: readonly T[], b: readonly T[]) => a.map((value, index) => [value, b[index]!] as const);
  if (first.calls.length !== second.calls.length) throw new DisbackError(differs);
  return {
    inputs: pairs(first.inputs, second.inputs).map(([a, b]) => merge.value(a, b)),
    calls: pairs(first.calls, second.calls).map(([a, b]) => merge.call(a, b)),
    outputs: pairs(first.outputs, second.outputs).map(([a, b]) => merge.value(a, b)),
  };
}

const differs = "export: the network calls other operators for another batch size";

class Merge {
  private readonly merged = new Map<TracedValue, BatchedValue>();

  call(a: TracedCall, b: TracedCall): BatchedCall {
    if (a.operator !== b.operator) throw new DisbackError(differs);
    const named: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(a.arguments)) {
      named[name] = this.argument(a.operator, name, value, b.arguments[name]);
    }
    const operator = a.operator.replace(/^aten::/, "").replace(/_(?=\.|$)/, "");
    return {
      operator,
      arguments: named,
      results: a.results.map((value, i) => this.value(value, b.results[i]!)),
    };
  }

  value(a: TracedValue, b: TracedValue): BatchedValue {
    const known = this.merged.get(a);
    if (known) return known;
    const sizes = a.shape.map((size, axis) => (size === b.shape[axis] ? size : null));
    const constant = a.constant && b.constant && sameForAll(a.constant, b.constant, sizes);
    const value = { sizes, dtype: a.dtype, ...(constant ? { constant } : {}) };
    this.merged.set(a, value);
    return value;
  }

  private argument(operator: string, name: string, a: unknown, b: unknown): unknown {
    if (a instanceof TracedValue && b instanceof TracedValue) return this.value(a, b);
    if (Array.isArray(a) && Array.isArray(b) && a.some((value) => value instanceof TracedValue)) {
      return a.map((value, index) => this.value(value, b[index]));
    }
    if (!shapeArguments.has(name) && JSON.stringify(a) !== JSON.stringify(b)) {
      throw new DisbackError(`export: ${name} of ${operator} depends on the batch size`);
    }
    return a;
  }
}

/** A constant of one row per sample, all alike but for rounding, becomes one row. */
function sameForAll(a: Tensor, b: Tensor, sizes: readonly Size[]): Tensor {
  const row = (tensor: Tensor) =>
    sizes.reduce((rest, size, axis) => (size === null ? rest.narrow(axis, 0, 1) : rest), tensor);
  const [constant, other] = [row(a), row(b)];
  if (!alike(constant, other) || (sizes.includes(null) && !alike(constant.expand(a.shape), a))) {
    throw new DisbackError("export: a constant of the network differs from sample to sample");
  }
  return constant;
}

/** Processors multiply matrices of other sizes in another order: a batch of three is rounded otherwise than one of two. */
const ROUNDING = 1e-5;

function alike(a: Tensor, b: Tensor): boolean {
  if (a.sharesMemoryWith(b) || a.equal(b)) return true;
  if (!/float/.test(a.dtype) || a.shape.join() !== b.shape.join()) return false;
  return scope(() => {
    const largest = (tensor: Tensor) => tensor.abs().max().item();
    return largest(a.sub(b)) <= ROUNDING * largest(a);
  });
}
