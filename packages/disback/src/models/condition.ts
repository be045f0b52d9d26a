import { cat, type Tensor } from "@disback/torch";

/**
 * What a model is conditioned on: tensors by name, the batch first in each. The names in use:
 *
 * | name | shape | |
 * |---|---|---|
 * | `class` | `[N, K]` | classes, one-hot; zeros mean "no class"; those of several tasks stand one behind the other |
 * | `tokens` | `[N, L]` | a text as numbers of its pieces, counted from 1; zeros behind its end, or for "no text" |
 * | `text` | `[N, L, D]` | states of a text encoder |
 * | `textMask` | `[N, L]` | 1 where there is text, 0 where there is padding |
 * | `pooled` | `[N, P]` | one vector for the whole text |
 * | `sizes` | `[N, 6]` | original size, crop and target size (SDXL) |
 * | `guidance` | `[N]` | the scale that a network distilled from guidance is told (Flux) |
 *
 * A batch without a condition is `undefined`.
 */
export type Condition = Readonly<Record<string, Tensor>>;

/** Shapes of one sample's condition by name, without the batch; `{}` for a model that takes none. */
export type ConditionShapes = Readonly<Record<string, readonly number[]>>;

/** A value with one entry per sample of a batch. */
export type Rows = Tensor | Condition | undefined;

/** Samples `start` to `start + count`, as views of the same memory. */
export function narrowRows<R extends Rows>(all: R, start: number, count: number): R {
  return eachRows(all, (tensor) => tensor.narrow(0, start, count));
}

/** The samples at the given indices. @param places `[M]`, integers */
export function selectRows<R extends Rows>(all: R, places: Tensor): R {
  return eachRows(all, (tensor) => tensor.indexSelect(0, places));
}

/** Applies a function to each tensor of a condition, or to the tensor alone. */
export function eachRows<R extends Rows>(all: R, change: (tensor: Tensor) => Tensor): R {
  if (all === undefined) return all;
  if (isTensor(all)) return change(all) as R;
  const entries = Object.entries(all).map(([name, tensor]) => [name, change(tensor)]);
  return Object.fromEntries(entries) as R;
}

/** The tensors of a condition, or the tensor alone. */
export function tensorsOf(all: Rows): Tensor[] {
  if (all === undefined) return [];
  return isTensor(all) ? [all] : Object.values(all);
}

/** Joins several batches of conditions with the same names. */
export function joinConditions(parts: readonly Condition[]): Condition {
  const names = Object.keys(parts[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, cat(parts.map((part) => part[name]!))]));
}

/** Classes as a condition: one-hot rows `[N, K]`; `undefined` stays `undefined`. */
export function classCondition(labels: Tensor): Condition;
export function classCondition(labels: Tensor | undefined): Condition | undefined;
export function classCondition(labels: Tensor | undefined): Condition | undefined {
  return labels && { class: labels };
}

/** A data set's labels as the condition that a model takes: tokens `[N, L]` or classes `[N, K]`. */
export function labelCondition(
  { condition }: { condition: ConditionShapes },
  labels: Tensor | undefined,
): Condition | undefined {
  return condition.tokens && labels ? { tokens: labels } : classCondition(labels);
}

/** Number of classes a model knows, 0 if it takes none. */
export function classesOf({ condition }: { condition: ConditionShapes }): number {
  return condition.class?.[0] ?? 0;
}

/** Names and shapes as text for messages: "class [10], text [77, 768]"; "no condition" if there are none. */
export function describeCondition(shapes: ConditionShapes): string {
  const parts = Object.entries(shapes).map(([name, shape]) => `${name} [${shape.join(", ")}]`);
  return parts.length > 0 ? parts.join(", ") : "no condition";
}

function isTensor(value: Tensor | Condition): value is Tensor {
  return typeof (value as Tensor).indexSelect === "function";
}
