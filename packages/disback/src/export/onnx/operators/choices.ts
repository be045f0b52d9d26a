import type { CallView, Conversion } from "../call-view.js";

/** A comparison with a tensor or a number, in the dtype of `self`. */
const comparison =
  (operator: string): Conversion =>
  (call) => {
    const { dtype } = call.value("self");
    return call.graph.node(operator, [call.tensor("self"), call.operand("other", dtype)]);
  };

const filled =
  (value: number): Conversion =>
  (call) => {
    const { graph, dtype } = call;
    const nothing = graph.node("Mul", [call.operand("self"), graph.scalar(0, dtype)]);
    return value === 0 ? nothing : graph.node("Add", [nothing, graph.scalar(value, dtype)]);
  };

/** How many of the rising boundaries lie at or below each value (`right`), or below it. */
function bucketize(call: CallView): string {
  const { graph } = call;
  const { sizes } = call.value("self");
  const column = graph.node("Unsqueeze", [call.tensor("self"), graph.integers([sizes.length])]);
  const operator = call.number("right", 0) === 0 ? "Greater" : "GreaterOrEqual";
  const passed = graph.node(operator, [column, call.tensor("boundaries")]);
  const counted = call.inDtype(passed, "bool", "int64");
  return graph.node("ReduceSum", [counted, graph.integers([sizes.length])], { keepdims: 0 });
}

/** Rows of a table by their numbers. */
function embedding(call: CallView): string {
  return call.graph.node("Gather", [call.tensor("weight"), call.tensor("indices")], { axis: 0 });
}

/** Elements by their place in the flattened tensor. */
function take(call: CallView): string {
  const flat = call.reshaped(call.tensor("self"), [null]);
  return call.graph.node("Gather", [flat, call.tensor("index")], { axis: 0 });
}

export const choices: Readonly<Record<string, Conversion>> = {
  "lt.Scalar": comparison("Less"),
  "lt.Tensor": comparison("Less"),
  "le.Scalar": comparison("LessOrEqual"),
  "le.Tensor": comparison("LessOrEqual"),
  "gt.Scalar": comparison("Greater"),
  "gt.Tensor": comparison("Greater"),
  "ge.Scalar": comparison("GreaterOrEqual"),
  "ge.Tensor": comparison("GreaterOrEqual"),
  "ne.Scalar": (call) => call.graph.node("Not", [comparison("Equal")(call) as string]),
  "where.self": (call) =>
    call.graph.node("Where", [call.tensor("condition"), call.operand("self"), call.operand("other")]),
  zeros_like: filled(0),
  ones_like: filled(1),
  "bucketize.Tensor": bucketize,
  embedding,
  take,
};
