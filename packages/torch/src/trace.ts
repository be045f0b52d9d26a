import { noGrad } from "./autograd.js";
import { type Handle, native } from "./binding.js";
import type { DType } from "./dtype.js";
import { TorchError } from "./errors.js";
import { ops } from "./ops.js";
import { type Schema, schemaOf } from "./schema.js";
import { keep, scope } from "./scope.js";
import { Tensor } from "./tensor.js";

/** A tensor in a trace: an input, the result of a call, or a constant. */
export class TracedValue {
  /** @param constant the tensor itself, if it does not depend on the inputs; shares the original's memory */
  constructor(
    readonly shape: readonly number[],
    readonly dtype: DType,
    readonly constant?: Tensor,
  ) {}
}

/** One call of an operator whose result depends on the inputs. */
export interface TracedCall {
  /** with namespace and overload: `"aten::add.Tensor"` */
  operator: string;
  /** by the schema's names; tensors as `TracedValue`, lists as arrays; omitted defaults are absent */
  arguments: Readonly<Record<string, unknown>>;
  /** the result of an in-place operator is its changed argument */
  results: readonly TracedValue[];
}

/** Calls of operators in order. Values never change; in-place calls make new ones. */
export interface Trace {
  inputs: readonly TracedValue[];
  calls: readonly TracedCall[];
  outputs: readonly TracedValue[];
}

/**
 * Runs `body` once and records its calls of operators. What does not depend on the inputs is not traced but kept as a
 * constant. The trace is valid for other inputs if `body` calls the same operators for them.
 * @throws TorchError if `body` draws random numbers, reads values back from tensors by an operator, changes a constant
 *   in place, or uses a tensor that was changed through a view of it
 */
export function trace(body: (...inputs: Tensor[]) => Tensor | Tensor[], ...inputs: Tensor[]): Trace {
  const recorder = new Recorder();
  const traced = inputs.map((input) => recorder.assign(input.handle));
  native.observe((operator, values, result) => recorder.observe(operator, values, result));
  try {
    const outputs = noGrad(() =>
      scope(() => [body(...inputs)].flat().map((output) => recorder.value(output.handle))),
    );
    return { inputs: traced, calls: recorder.calls, outputs };
  } finally {
    native.observe(null);
  }
}

/** The memory range of a tensor, from the first byte to after the last. */
type Extent = readonly [number, number];

const sizes: Partial<Record<DType, number>> = {
  float64: 8,
  int64: 8,
  float32: 4,
  int32: 4,
  float16: 2,
  bfloat16: 2,
};

class Recorder {
  readonly calls: TracedCall[] = [];
  private readonly values = new Map<Handle, TracedValue>();
  private readonly constants = new Map<Handle, TracedValue>();
  private readonly extents = new Map<Handle, Extent>();
  private readonly stale = new Set<Handle>();

  observe(operator: string, given: readonly unknown[], result: unknown): void {
    const schema = schemaOf(operator);
    const written = schema.arguments.findIndex((argument) => argument.written);
    if (!this.dependsOnInputs(schema, given)) {
      if (schema.arguments.some(({ type }) => type.startsWith("Generator")))
        throw new TorchError(`trace: ${operator} draws random numbers, which would be the same in every run`);
      if (written >= 0 && this.constants.has(given[written] as Handle))
        throw new TorchError(`trace: ${operator} changes a constant that was used before`);
      return;
    }
    if (!schema.returns.includes("Tensor"))
      throw new TorchError(`trace: ${operator} reads values, which a trace cannot follow`);
    if (written >= 0 && !this.values.has(given[written] as Handle))
      throw new TorchError(`trace: ${operator} changes a constant in place`);
    const named = this.named(schema, given);
    const handles = [result].flat(2).filter((value): value is Handle => typeof value === "number");
    let results: TracedValue[];
    if (written >= 0) {
      const target = given[written] as Handle;
      this.outdateViews(target);
      const value = this.assign(target);
      for (const handle of handles) this.values.set(handle, value);
      results = [value];
    } else {
      results = handles.map((handle) => this.assign(handle));
    }
    this.calls.push({ operator, arguments: named, results });
  }

  /** The traced value of a handle; a constant if no call made it. */
  value(handle: Handle): TracedValue {
    if (this.stale.has(handle))
      throw new TorchError("trace: a tensor is used after it was changed in place through a view");
    const known = this.values.get(handle) ?? this.constants.get(handle);
    if (known) return known;
    // An alias of the same memory, so that weights are not copied.
    const tensor = keep(ops.detach(new Tensor(handle)));
    const value = new TracedValue(tensor.shape, tensor.dtype, tensor);
    this.constants.set(handle, value);
    return value;
  }

  /** Sets the traced value of the handle. */
  assign(handle: Handle): TracedValue {
    const tensor = new Tensor(handle);
    const { shape, dtype } = tensor;
    const value = new TracedValue(shape, dtype);
    const start = Number(native.dataAddress(handle));
    const last = tensor.strides.reduce((sum, stride, axis) => sum + stride * (shape[axis]! - 1), 0);
    this.extents.set(handle, [start, start + (last + 1) * (sizes[dtype] ?? 1)]);
    this.stale.delete(handle);
    this.values.set(handle, value);
    return value;
  }

  private dependsOnInputs(schema: Schema, given: readonly unknown[]): boolean {
    return schema.arguments.some(
      ({ type }, index) =>
        type.startsWith("Tensor") &&
        listOf(given[index]).some((handle) => this.values.has(handle) || this.stale.has(handle)),
    );
  }

  private named(schema: Schema, given: readonly unknown[]): Record<string, unknown> {
    const named: Record<string, unknown> = {};
    for (const [index, { name, type }] of schema.arguments.entries()) {
      const value = given[index];
      if (value === undefined || value === null) continue;
      if (type.startsWith("Tensor")) {
        const values = listOf(value).map((handle) => this.value(handle));
        named[name] = type.includes("[") ? values : values[0];
      } else {
        named[name] = value;
      }
    }
    return named;
  }

  private outdateViews(target: Handle): void {
    const [start, end] = this.extents.get(target)!;
    for (const [handle, [from, to]] of this.extents) {
      if (handle !== target && from < end && start < to) this.stale.add(handle);
    }
  }
}

function listOf(value: unknown): Handle[] {
  if (typeof value === "number") return [value];
  if (Array.isArray(value)) return value.filter((element) => element !== null) as Handle[];
  return value instanceof Uint32Array ? [...value] : [];
}
