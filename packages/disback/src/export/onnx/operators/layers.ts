import { full } from "@disback/torch";
import type { CallView, Conversion } from "../call-view.js";

const pair = (values: readonly number[]): [number, number] => [values[0]!, values[1] ?? values[0]!];

/** Padding of both sides in ONNX's order: all beginnings, then all ends. */
const sides = (padding: readonly number[]): number[] => [...pair(padding), ...pair(padding)];

const given = (...names: string[]): string[] => (names.at(-1) === "" ? names.slice(0, -1) : names);

function conv2d(call: CallView): string {
  return call.graph.node("Conv", given(call.tensor("input"), call.tensor("weight"), call.optional("bias")), {
    strides: pair(call.numbers("stride", [1])),
    pads: sides(call.numbers("padding", [0])),
    dilations: pair(call.numbers("dilation", [1])),
    group: call.number("groups", 1),
  });
}

function convTranspose2d(call: CallView): string {
  return call.graph.node(
    "ConvTranspose",
    given(call.tensor("input"), call.tensor("weight"), call.optional("bias")),
    {
      strides: pair(call.numbers("stride", [1])),
      pads: sides(call.numbers("padding", [0])),
      output_padding: pair(call.numbers("output_padding", [0])),
      dilations: pair(call.numbers("dilation", [1])),
      group: call.number("groups", 1),
    },
  );
}

/** x W^T + b */
function linear(call: CallView): string {
  const { graph } = call;
  const bias = call.optional("bias");
  if (call.value("input").sizes.length === 2) {
    return graph.node("Gemm", given(call.tensor("input"), call.tensor("weight"), bias), { transB: 1 });
  }
  const { constant } = call.value("weight");
  const weight = constant
    ? graph.tensor(constant.t().contiguous())
    : graph.node("Transpose", [call.tensor("weight")], { perm: [1, 0] });
  const product = graph.node("MatMul", [call.tensor("input"), weight]);
  return bias ? graph.node("Add", [product, bias]) : product;
}

/** b + x y */
const addmm: Conversion = (call) =>
  call.graph.node("Gemm", [call.tensor("mat1"), call.tensor("mat2"), call.tensor("self")], {
    alpha: { float: call.number("alpha", 1) },
    beta: { float: call.number("beta", 1) },
  });

/**
 * Group normalization as instance normalization of the groups, which every runtime has for every opset; weight and
 * bias per channel follow.
 */
function groupNorm(call: CallView): string {
  const { graph, dtype } = call;
  const groups = call.number("num_groups", 1);
  const { sizes } = call.value("input");
  const one = graph.tensor(ones(call, groups), undefined);
  const zero = graph.tensor(ones(call, groups).mul(0));
  const grouped = call.graph.node("Reshape", [call.tensor("input"), graph.integers([0, groups, -1])]);
  const normalized = graph.node("InstanceNormalization", [grouped, one, zero], {
    epsilon: { float: call.number("eps", 1e-5) },
  });
  let result = call.reshaped(normalized, sizes);
  const perChannel = (name: string) => {
    const value = call.value(name);
    const broadcast = [value.sizes[0]!, ...Array<number>(sizes.length - 2).fill(1)];
    const shaped = value.constant
      ? graph.tensor(value.constant.reshape(broadcast as number[]))
      : call.reshaped(call.tensor(name), broadcast);
    return call.inDtype(shaped, value.dtype, dtype);
  };
  if (call.has("weight")) result = graph.node("Mul", [result, perChannel("weight")]);
  if (call.has("bias")) result = graph.node("Add", [result, perChannel("bias")]);
  return result;
}

/** The same by @disback/torch's own operator, which may end with SiLU. */
function ownGroupNorm(call: CallView): string {
  const normalized = groupNorm(call);
  if (call.number("silu", 0) === 0) return normalized;
  return call.graph.node("Mul", [normalized, call.graph.node("Sigmoid", [normalized])]);
}

/** Batch normalization with stored statistics; in training it would depend on the batch. */
function batchNorm(call: CallView): string {
  if (call.number("training", 0) !== 0) call.refuse("statistics of the batch");
  const channels = call.value("input").sizes[1]!;
  const own = (name: string, otherwise: number) =>
    call.has(name) ? call.tensor(name) : call.graph.tensor(ones(call, channels).mul(otherwise));
  return call.graph.node(
    "BatchNormalization",
    [
      call.tensor("input"),
      own("weight", 1),
      own("bias", 0),
      call.tensor("running_mean"),
      call.tensor("running_var"),
    ],
    { epsilon: { float: call.number("eps", 1e-5) } },
  );
}

function layerNorm(call: CallView): string {
  const { graph } = call;
  const shape = call.numbers("normalized_shape");
  const scale = call.has("weight") ? call.tensor("weight") : graph.tensor(ones(call, ...shape));
  return graph.node("LayerNormalization", given(call.tensor("input"), scale, call.optional("bias")), {
    axis: -shape.length,
    epsilon: { float: call.number("eps", 1e-5) },
  });
}

/** x / sqrt(mean(x^2) + eps) (Zhang and Sennrich 2019, eq. 4); ONNX has an operator of its own only since opset 23. */
function rmsNorm(call: CallView): string {
  const { graph, dtype } = call;
  const x = call.tensor("input");
  const axes = call.numbers("normalized_shape").map((_, axis) => -1 - axis);
  const squares = graph.node("ReduceMean", [graph.node("Mul", [x, x]), graph.integers(axes)]);
  const eps = graph.scalar(call.number("eps", FLOAT_EPS), dtype);
  const normalized = graph.node("Div", [x, graph.node("Sqrt", [graph.node("Add", [squares, eps])])]);
  return call.has("weight") ? graph.node("Mul", [normalized, call.tensor("weight")]) : normalized;
}

/** libtorch's eps if none is given: float32's distance from 1 to the next number. */
const FLOAT_EPS = 2 ** -23;

const ones = (call: CallView, ...shape: number[]) => full(shape, 1, { dtype: call.dtype });

/** softmax(Q K^T scale + mask) V (Vaswani et al. 2017, eq. 1) */
function attention(call: CallView): string {
  const { graph, dtype } = call;
  const query = call.value("query");
  if (call.number("is_causal", 0) !== 0) call.refuse("causal attention");
  if (call.number("enable_gqa", 0) !== 0) call.refuse("grouped queries");
  const axes = query.sizes.length;
  const order = Array.from({ length: axes }, (_, axis) => axis);
  const keys = graph.node("Transpose", [call.tensor("key")], {
    perm: [...order.slice(0, -2), axes - 1, axes - 2],
  });
  const factor = call.number("scale", 1 / Math.sqrt(query.sizes.at(-1)!));
  // Scales the queries, not the products, which would overflow half precision.
  const scaled = graph.node("Mul", [call.tensor("query"), graph.scalar(factor, dtype)]);
  let scores = graph.node("MatMul", [scaled, keys]);
  if (call.has("attn_mask")) {
    const mask = call.value("attn_mask");
    if (mask.dtype === "bool") call.refuse("a mask of truth values");
    scores = graph.node("Add", [scores, call.inDtype(call.tensor("attn_mask"), mask.dtype)]);
  }
  return graph.node("MatMul", [graph.node("Softmax", [scores], { axis: -1 }), call.tensor("value")]);
}

function upsampleNearest(call: CallView): string {
  const { graph } = call;
  const [from, to] = [call.value("self").sizes, call.sizes];
  const factors = to.map((size, axis) => (axis < 2 ? 1 : size! / from[axis]!));
  return graph.node("Resize", [call.tensor("self"), "", graph.floats(factors)], {
    mode: "nearest",
    coordinate_transformation_mode: "asymmetric",
    nearest_mode: "floor",
  });
}

function averagePool(call: CallView): string {
  const kernel = pair(call.numbers("kernel_size"));
  const stride = call.numbers("stride");
  if (call.number("ceil_mode", 0) !== 0) call.refuse("ceil_mode");
  if (call.has("divisor_override")) call.refuse("divisor_override");
  return call.graph.node("AveragePool", [call.tensor("self")], {
    kernel_shape: kernel,
    strides: stride.length > 0 ? pair(stride) : kernel,
    pads: sides(call.numbers("padding", [0])),
    count_include_pad: call.number("count_include_pad", 1),
  });
}

const product =
  (a: string, b: string): Conversion =>
  (call) =>
    call.graph.node("MatMul", [call.tensor(a), call.tensor(b)]);

export const layers: Readonly<Record<string, Conversion>> = {
  conv2d,
  "disback::pointwise_convolution": conv2d,
  "conv_transpose2d.input": convTranspose2d,
  linear,
  addmm,
  matmul: product("self", "other"),
  mm: product("self", "mat2"),
  bmm: product("self", "mat2"),
  group_norm: groupNorm,
  "disback::group_norm": ownGroupNorm,
  layer_norm: layerNorm,
  rms_norm: rmsNorm,
  batch_norm: batchNorm,
  scaled_dot_product_attention: attention,
  upsample_nearest2d: upsampleNearest,
  avg_pool2d: averagePool,
};
