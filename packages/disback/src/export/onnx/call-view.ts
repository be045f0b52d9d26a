import type { DType } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { BatchedCall, BatchedValue, Size } from "./batched-trace.js";
import { dataType, type OnnxGraph } from "./graph.js";

/** Names of traced values in the graph. */
export type Names = Map<BatchedValue, string>;

/** A call for its conversion: arguments by the schema's names, tensors by the graph's. */
export class CallView {
  constructor(
    private readonly call: BatchedCall,
    private readonly names: Names,
    readonly graph: OnnxGraph,
  ) {}

  /** Sizes of the first result. */
  get sizes(): readonly Size[] {
    return this.call.results[0]!.sizes;
  }

  get dtype(): DType {
    return this.call.results[0]!.dtype;
  }

  get resultCount(): number {
    return this.call.results.length;
  }

  /** Sizes of the other results. */
  sizesOf(result: number): readonly Size[] {
    return this.call.results[result]!.sizes;
  }

  has(name: string): boolean {
    return this.call.arguments[name] !== undefined;
  }

  value(name: string): BatchedValue {
    return this.call.arguments[name] as BatchedValue;
  }

  tensor(name: string): string {
    return this.nameOf(this.value(name));
  }

  /** An operand of elementwise arithmetic, a tensor or a number, in the dtype of the result or another one. */
  operand(name: string, dtype: DType = this.dtype): string {
    const value = this.call.arguments[name];
    if (typeof value === "number" || typeof value === "boolean") {
      return this.graph.scalar(Number(value), dtype);
    }
    const operand = value as BatchedValue;
    return this.inDtype(this.nameOf(operand), operand.dtype, dtype);
  }

  /** "" where it was not given. */
  optional(name: string): string {
    return this.has(name) ? this.tensor(name) : "";
  }

  tensors(name: string): BatchedValue[] {
    return this.call.arguments[name] as BatchedValue[];
  }

  nameOf(value: BatchedValue): string {
    let name = this.names.get(value);
    if (name === undefined) {
      name = this.graph.tensor(value.constant!);
      this.names.set(value, name);
    }
    return name;
  }

  number(name: string, fallback: number): number {
    const value = this.call.arguments[name];
    return value === undefined ? fallback : Number(value);
  }

  text(name: string, fallback: string): string {
    return (this.call.arguments[name] as string | undefined) ?? fallback;
  }

  numbers(name: string, fallback: readonly number[] = []): number[] {
    const value = this.call.arguments[name] as number | readonly number[] | undefined;
    return typeof value === "number" ? [value] : [...(value ?? fallback)];
  }

  /** An axis counted from the front. @param rank of the tensor it belongs to */
  axis(name: string, rank: number, fallback = 0): number {
    const axis = this.number(name, fallback);
    return axis < 0 ? axis + rank : axis;
  }

  inDtype(name: string, from: DType, to: DType = this.dtype): string {
    return from === to ? name : this.graph.node("Cast", [name], { to: dataType(to) });
  }

  /** A tensor in another shape. @throws DisbackError if more than one axis grows with the batch */
  reshaped(name: string, sizes: readonly Size[]): string {
    if (sizes.filter((size) => size === null).length > 1)
      this.refuse("more than one axis grows with the batch");
    return this.graph.node("Reshape", [name, this.graph.integers(sizes.map((size) => size ?? -1))]);
  }

  refuse(reason: string): never {
    throw new DisbackError(`export: operator ${this.call.operator} cannot be written to ONNX: ${reason}`);
  }
}

/** Writes one operator into the graph. @returns names of its results */
export type Conversion = (call: CallView) => string | string[];
