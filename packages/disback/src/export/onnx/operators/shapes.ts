import type { BatchedValue, Size } from "../batched-trace.js";
import type { CallView, Conversion } from "../call-view.js";

/** The same values in the shape of the result, whichever operator says so. */
const reshape: Conversion = (call) => call.reshaped(call.tensor("self"), call.sizes);

/** The tensor itself: ONNX has no layouts and copies. */
const same: Conversion = (call) => call.tensor("self");

const cast: Conversion = (call) => call.inDtype(call.tensor("self"), call.value("self").dtype);

function rank(call: CallView): number {
  return call.value("self").sizes.length;
}

function transposed(call: CallView, order: readonly number[]): string {
  return call.graph.node("Transpose", [call.tensor("self")], { perm: order });
}

function swap(call: CallView, a: number, b: number): string {
  const order = Array.from({ length: rank(call) }, (_, axis) => (axis === a ? b : axis === b ? a : axis));
  return transposed(call, order);
}

function permute(call: CallView): string {
  const count = rank(call);
  return transposed(
    call,
    call.numbers("dims").map((axis) => (axis < 0 ? axis + count : axis)),
  );
}

function expand(call: CallView): string {
  const given = call.value("self").sizes;
  const missing = call.sizes.length - given.length;
  const target = call.sizes.map((size, axis) =>
    axis >= missing && given[axis - missing] === size ? 1 : size,
  );
  if (target.includes(null)) call.refuse("it repeats a tensor for each sample of the batch");
  return call.graph.node("Expand", [call.tensor("self"), call.graph.integers(target as number[])]);
}

/** Part of an axis; bounds beyond the axis are cut, as in libtorch. */
function sliced(call: CallView, axis: number, start: number, end: number, step = 1): string {
  const { graph } = call;
  const bounds = [[start], [end], [axis], [step]].map((numbers) => graph.integers(numbers));
  return graph.node("Slice", [call.tensor("self"), ...bounds]);
}

function slice(call: CallView): string {
  const axis = call.axis("dim", rank(call));
  return sliced(call, axis, call.number("start", 0), call.number("end", 2 ** 53 - 1), call.number("step", 1));
}

function narrow(call: CallView): string {
  const start = call.number("start", 0);
  return sliced(call, call.axis("dim", rank(call)), start, start + call.number("length", 0));
}

function select(call: CallView): string {
  const index = call.graph.integers([call.number("index", 0)], []);
  return call.graph.node("Gather", [call.tensor("self"), index], { axis: call.axis("dim", rank(call)) });
}

function split(call: CallView): string[] {
  const axis = call.axis("dim", rank(call));
  const parts = Array.from({ length: call.resultCount }, (_, i) => call.sizesOf(i)[axis] as Size);
  if (parts.includes(null)) call.refuse("it splits the batch");
  const lengths = call.graph.integers(parts as number[]);
  return call.graph.nodeOutputs("Split", [call.tensor("self"), lengths], { axis }, parts.length);
}

function unbind(call: CallView): string[] {
  const axis = call.axis("dim", rank(call));
  return Array.from({ length: call.resultCount }, (_, index) =>
    call.graph.node("Gather", [call.tensor("self"), call.graph.integers([index], [])], { axis }),
  );
}

function cat(call: CallView): string {
  const axis = call.axis("dim", call.sizes.length);
  return call.graph.node("Concat", joined(call, axis), { axis });
}

function stack(call: CallView): string {
  const axis = call.axis("dim", call.sizes.length);
  const axes = call.graph.integers([axis]);
  const names = joined(call).map((name) => call.graph.node("Unsqueeze", [name, axes]));
  return call.graph.node("Concat", names, { axis });
}

/** Tensors that are joined, constants of one row for all samples repeated for each sample. @param axis that grows */
function joined(call: CallView, axis?: number): string[] {
  const parts = call.tensors("tensors");
  const sample = parts.find(({ constant, sizes }) => !constant && sizes.includes(null));
  return parts.map((part) => {
    const name = call.inDtype(call.nameOf(part), part.dtype);
    if (!part.constant || !part.sizes.includes(null)) return name;
    const place = part.sizes.indexOf(null);
    if (!sample || place === axis) call.refuse("it joins a constant to the samples of the batch");
    return repeated(call, name, part.sizes, place, sample);
  });
}

/** One row for each sample. @param sample a tensor that grows along the same axis */
function repeated(
  call: CallView,
  row: string,
  sizes: readonly Size[],
  axis: number,
  sample: BatchedValue,
): string {
  const { graph } = call;
  const batch = graph.node("Shape", [call.nameOf(sample)], { start: axis, end: axis + 1 });
  const [before, after] = [sizes.slice(0, axis), sizes.slice(axis + 1)] as number[][];
  const shape = graph.node("Concat", [graph.integers(before!), batch, graph.integers(after!)], { axis: 0 });
  return graph.node("Expand", [row, shape]);
}

/** Zeros or another value around the last axes; libtorch counts them from the last. */
function pad(call: CallView): string {
  const { graph } = call;
  const pairs = call.numbers("pad");
  const [before, after] = [0, 1].map((side) => {
    const widths = Array<number>(rank(call)).fill(0);
    for (let i = 0; i < pairs.length / 2; i++) widths[widths.length - 1 - i] = pairs[2 * i + side]!;
    return widths;
  }) as [number[], number[]];
  const value = graph.scalar(call.number("value", 0), call.dtype);
  return graph.node("Pad", [call.tensor("self"), graph.integers([...before, ...after]), value]);
}

export const shapes: Readonly<Record<string, Conversion>> = {
  reshape,
  view: reshape,
  "flatten.using_ints": reshape,
  unsqueeze: reshape,
  squeeze: reshape,
  "squeeze.dim": reshape,
  "unflatten.int": reshape,
  contiguous: same,
  clone: same,
  detach: same,
  "to.dtype_layout": cast,
  "to.dtype": cast,
  permute,
  "transpose.int": (call) => swap(call, call.axis("dim0", rank(call)), call.axis("dim1", rank(call))),
  t: (call) => swap(call, 0, rank(call) - 1),
  expand,
  broadcast_to: expand,
  "slice.Tensor": slice,
  narrow,
  "select.int": select,
  chunk: split,
  "split.Tensor": split,
  split_with_sizes: split,
  "unbind.int": unbind,
  cat,
  stack,
  constant_pad_nd: pad,
};
