import type { CallView, Conversion } from "../call-view.js";

/** A mean or sum over some axes, all if none are given. */
const reduction =
  (operator: string): Conversion =>
  (call: CallView) => {
    const axes = call.numbers("dim");
    const inputs = [call.operand("self"), ...(axes.length > 0 ? [call.graph.integers(axes)] : [])];
    return call.graph.node(operator, inputs, { keepdims: call.number("keepdim", 0) });
  };

const extreme =
  (operator: string): Conversion =>
  (call: CallView) => {
    if (!call.has("dim")) call.refuse("without an axis");
    return call.graph.node(operator, [call.tensor("self")], {
      axis: call.number("dim", 0),
      keepdims: call.number("keepdim", 0),
    });
  };

export const reductions: Readonly<Record<string, Conversion>> = {
  "mean.dim": reduction("ReduceMean"),
  "sum.dim_IntList": reduction("ReduceSum"),
  amax: reduction("ReduceMax"),
  amin: reduction("ReduceMin"),
  argmin: extreme("ArgMin"),
  argmax: extreme("ArgMax"),
  "softmax.int": (call) =>
    call.graph.node("Softmax", [call.operand("self")], { axis: call.number("dim", -1) }),
};
