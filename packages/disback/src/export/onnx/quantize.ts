import { create } from "@bufbuild/protobuf";
import {
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType,
} from "./generated/onnx_pb.js";
import { attributeProto, type OnnxGraph } from "./graph.js";

/** Smaller weights are not quantized, because there is nothing to gain. */
const smallest = 1024;

/**
 * Turns the weights of convolutions and linear layers into 8-bit integers with one scale per output channel
 * (symmetric: w = scale q, q in -127 … 127). Arithmetic stays in float32: the runtime multiplies them out.
 */
export function quantizeWeights(graph: OnnxGraph): void {
  const dequantized = new Map<string, string>();
  const initializers = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  const added: NodeProto[] = [];
  for (const node of graph.nodes) {
    const axis = outputAxis(node);
    const weight = axis === undefined ? undefined : initializers.get(node.input[1]!);
    if (axis === undefined || weight?.dataType !== TensorProto_DataType.FLOAT) continue;
    if (weight.rawData.byteLength < 4 * smallest) continue;
    let name = dequantized.get(weight.name);
    if (name === undefined) {
      name = `${weight.name}_float`;
      const scale = `${weight.name}_scale`;
      quantize(graph, weight, axis, scale);
      added.push(
        create(NodeProtoSchema, {
          opType: "DequantizeLinear",
          name,
          input: [weight.name, scale],
          output: [name],
          attribute: [attributeProto("axis", axis)],
        }),
      );
      dequantized.set(weight.name, name);
    }
    node.input[1] = name;
  }
  graph.nodes.unshift(...added);
}

/** The axis of a node's weight, its second input, that counts the outputs. */
function outputAxis(node: NodeProto): number | undefined {
  switch (node.opType) {
    case "Conv":
      return 0;
    case "Gemm":
      return node.attribute.some(({ name, i }) => name === "transB" && i === 1n) ? 0 : 1;
    case "ConvTranspose":
    case "MatMul":
      return 1;
    default:
      return undefined;
  }
}

/** Replaces the values of an initializer by integers and adds their scales. */
function quantize(graph: OnnxGraph, weight: TensorProto, axis: number, scaleName: string): void {
  const values = new Float32Array(weight.rawData.slice().buffer);
  const dims = weight.dims.map(Number);
  const channels = dims[axis]!;
  const inner = dims.slice(axis + 1).reduce((product, size) => product * size, 1);
  const channelOf = (index: number) => Math.floor(index / inner) % channels;
  const scales = new Float32Array(channels);
  for (const [index, value] of values.entries()) {
    const channel = channelOf(index);
    scales[channel] = Math.max(scales[channel]!, Math.abs(value) / 127);
  }
  const integers = Int8Array.from(values, (value, index) =>
    Math.round(value / (scales[channelOf(index)]! || 1)),
  );
  weight.dataType = TensorProto_DataType.INT8;
  weight.rawData = new Uint8Array(integers.buffer);
  graph.raw(scaleName, "float32", [channels], new Uint8Array(scales.buffer));
}
