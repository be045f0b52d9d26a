import { create } from "@bufbuild/protobuf";
import type { DType, Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { Size } from "./batched-trace.js";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./generated/onnx_pb.js";

/** A value of a node's attribute. Whole numbers become integers unless marked with `float`. */
export type Attribute = number | string | readonly number[] | { float: number };

const types: Partial<Record<DType, TensorProto_DataType>> = {
  float32: TensorProto_DataType.FLOAT,
  float16: TensorProto_DataType.FLOAT16,
  float64: TensorProto_DataType.DOUBLE,
  int64: TensorProto_DataType.INT64,
  int32: TensorProto_DataType.INT32,
  int8: TensorProto_DataType.INT8,
  uint8: TensorProto_DataType.UINT8,
  bool: TensorProto_DataType.BOOL,
};

/** ONNX's number of a dtype. @throws DisbackError if it has none here */
export function dataType(dtype: DType): TensorProto_DataType {
  const type = types[dtype];
  if (type === undefined) throw new DisbackError(`export: ONNX models of dtype ${dtype} are not written`);
  return type;
}

/** An ONNX graph under construction: nodes in execution order, constants, inputs and outputs. */
export class OnnxGraph {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  readonly inputs: ValueInfoProto[] = [];
  readonly outputs: ValueInfoProto[] = [];
  private readonly small = new Map<string, string>();

  /** Adds a node. @param inputs names, "" for one left out @returns names of its outputs */
  nodeOutputs(
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    outputs = 1,
  ): string[] {
    const name = `${operator}_${this.nodes.length}`;
    const output = Array.from({ length: outputs }, (_, index) => (index === 0 ? name : `${name}_${index}`));
    const attribute = Object.entries(attributes).map(([key, value]) => attributeProto(key, value));
    this.nodes.push(
      create(NodeProtoSchema, { opType: operator, name, input: [...inputs], output, attribute }),
    );
    return output;
  }

  /** Adds a node with one output. @returns the output's name */
  node(
    operator: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, Attribute>>,
  ): string {
    return this.nodeOutputs(operator, inputs, attributes)[0]!;
  }

  /** Adds a tensor's values. @returns its name */
  tensor(tensor: Tensor, name = `constant_${this.initializers.length}`): string {
    return this.raw(name, tensor.dtype, tensor.shape, tensor.bytes());
  }

  /** A list of whole numbers, such as a shape, once for equal lists. */
  integers(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const key = `int64 [${shape}] ${values}`;
    return this.once(key, () => this.bytes("int64", shape, BigInt64Array.from(values, BigInt)));
  }

  /** A float32 list, once for equal lists. */
  floats(values: readonly number[], shape: readonly number[] = [values.length]): string {
    return this.once(`float32 [${shape}] ${values}`, () =>
      this.bytes("float32", shape, Float32Array.from(values)),
    );
  }

  /** A number as a tensor without axes, for arithmetic with tensors of the dtype. */
  scalar(value: number, dtype: DType): string {
    if (dtype === "int64") return this.integers([value], []);
    const plain = this.floats([value], []);
    if (dtype === "float32") return plain;
    return this.once(`cast ${dtype} ${value}`, () => this.node("Cast", [plain], { to: dataType(dtype) }));
  }

  raw(name: string, dtype: DType, shape: readonly number[], rawData: Uint8Array): string {
    const dims = shape.map(BigInt);
    this.initializers.push(create(TensorProtoSchema, { name, dataType: dataType(dtype), dims, rawData }));
    return name;
  }

  input(name: string, dtype: DType, sizes: readonly Size[]): string {
    this.inputs.push(valueInfo(name, dtype, sizes));
    return name;
  }

  output(name: string, dtype: DType, sizes: readonly Size[]): void {
    this.outputs.push(valueInfo(name, dtype, sizes));
  }

  private bytes(dtype: DType, shape: readonly number[], values: ArrayBufferView): string {
    const view = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return this.raw(`constant_${this.initializers.length}`, dtype, shape, view);
  }

  private once(key: string, make: () => string): string {
    let name = this.small.get(key);
    if (name === undefined) {
      name = make();
      this.small.set(key, name);
    }
    return name;
  }
}

/** In ONNX, the batch axis has a name. */
export const batchAxis = "batch";

function valueInfo(name: string, dtype: DType, sizes: readonly Size[]): ValueInfoProto {
  const dim = sizes.map((size) => ({
    value:
      size === null
        ? ({ case: "dimParam", value: batchAxis } as const)
        : ({ case: "dimValue", value: BigInt(size) } as const),
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: { elemType: dataType(dtype), shape: { dim } } } },
  });
}

/** An attribute in ONNX's form. */
export function attributeProto(name: string, value: Attribute): AttributeProto {
  const Type = AttributeProto_AttributeType;
  if (typeof value === "number") {
    return create(AttributeProtoSchema, { name, type: Type.INT, i: BigInt(value) });
  }
  if (typeof value === "string") {
    return create(AttributeProtoSchema, { name, type: Type.STRING, s: new TextEncoder().encode(value) });
  }
  if ("float" in value) return create(AttributeProtoSchema, { name, type: Type.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: Type.INTS, ints: value.map(BigInt) });
}
