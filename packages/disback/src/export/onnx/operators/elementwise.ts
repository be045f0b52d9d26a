import type { CallView, Conversion } from "../call-view.js";

const unary =
  (operator: string): Conversion =>
  (call) =>
    call.graph.node(operator, [call.operand("self")]);

const binary =
  (operator: string): Conversion =>
  (call) =>
    call.graph.node(operator, [call.operand("self"), call.operand("other")]);

/** self + alpha other, or self - alpha other */
const sum =
  (operator: string): Conversion =>
  (call) => {
    const alpha = call.number("alpha", 1);
    const other = call.operand("other");
    const scaled =
      alpha === 1 ? other : call.graph.node("Mul", [other, call.graph.scalar(alpha, call.dtype)]);
    return call.graph.node(operator, [call.operand("self"), scaled]);
  };

const power: Conversion = (call) => call.graph.node("Pow", [call.operand("self"), call.operand("exponent")]);

function silu(call: CallView): string {
  const x = call.operand("self");
  return call.graph.node("Mul", [x, call.graph.node("Sigmoid", [x])]);
}

function addcmul(call: CallView): string {
  const { graph } = call;
  const product = graph.node("Mul", [call.operand("tensor1"), call.operand("tensor2")]);
  const factor = call.number("value", 1);
  const scaled = factor === 1 ? product : graph.node("Mul", [product, graph.scalar(factor, call.dtype)]);
  return graph.node("Add", [call.operand("self"), scaled]);
}

/** self + weight (end - self) */
function lerp(call: CallView): string {
  const { graph } = call;
  const start = call.operand("self");
  const way = graph.node("Sub", [call.operand("end"), start]);
  return graph.node("Add", [start, graph.node("Mul", [way, call.operand("weight")])]);
}

function clamp(call: CallView): string {
  const bound = (name: string) => (call.has(name) ? call.operand(name) : "");
  return call.graph.node("Clip", [call.operand("self"), bound("min"), bound("max")]);
}

/** ln(1 + x), exact near 0 as well: x ln(u) / (u - 1) where u = 1 + x is rounded (Higham 2002, section 1.14.1). */
function log1p(call: CallView): string {
  const { graph, dtype } = call;
  const x = call.operand("self");
  const one = graph.scalar(1, dtype);
  const u = graph.node("Add", [x, one]);
  const step = graph.node("Sub", [u, one]);
  const still = graph.node("Equal", [step, graph.scalar(0, dtype)]);
  const quotient = graph.node("Div", [graph.node("Mul", [x, graph.node("Log", [u])]), step]);
  return graph.node("Where", [still, x, quotient]);
}

function outer(call: CallView): string {
  const [rows, columns] = call.sizes as [number | null, number | null];
  const column = call.reshaped(call.operand("self"), [rows, 1]);
  return call.graph.node("Mul", [column, call.reshaped(call.operand("vec2"), [1, columns])]);
}

export const elementwise: Readonly<Record<string, Conversion>> = {
  "add.Tensor": sum("Add"),
  "add.Scalar": sum("Add"),
  "sub.Tensor": sum("Sub"),
  "sub.Scalar": sum("Sub"),
  "mul.Tensor": binary("Mul"),
  "mul.Scalar": binary("Mul"),
  "div.Tensor": binary("Div"),
  "div.Scalar": binary("Div"),
  maximum: binary("Max"),
  minimum: binary("Min"),
  "pow.Tensor_Scalar": power,
  "pow.Tensor_Tensor": power,
  "pow.Scalar": power,
  square: (call) => call.graph.node("Mul", [call.operand("self"), call.operand("self")]),
  rsqrt: (call) => call.graph.node("Reciprocal", [call.graph.node("Sqrt", [call.operand("self")])]),
  neg: unary("Neg"),
  abs: unary("Abs"),
  exp: unary("Exp"),
  log: unary("Log"),
  log1p,
  sqrt: unary("Sqrt"),
  reciprocal: unary("Reciprocal"),
  sin: unary("Sin"),
  cos: unary("Cos"),
  tanh: unary("Tanh"),
  sigmoid: unary("Sigmoid"),
  relu: unary("Relu"),
  round: unary("Round"),
  floor: unary("Floor"),
  ceil: unary("Ceil"),
  silu,
  gelu: (call) =>
    call.graph.node("Gelu", [call.operand("self")], { approximate: call.text("approximate", "none") }),
  addcmul,
  "lerp.Scalar": lerp,
  clamp,
  outer,
};
