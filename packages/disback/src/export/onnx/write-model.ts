import { create, toBinary } from "@bufbuild/protobuf";
import type { Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { type BatchedCall, type BatchedValue, traceBatched } from "./batched-trace.js";
import { CallView, type Conversion, type Names } from "./call-view.js";
import {
  ModelProtoSchema,
  type StringStringEntryProto,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
} from "./generated/onnx_pb.js";
import { OnnxGraph } from "./graph.js";
import { choices } from "./operators/choices.js";
import { elementwise } from "./operators/elementwise.js";
import { layers } from "./operators/layers.js";
import { reductions } from "./operators/reductions.js";
import { shapes } from "./operators/shapes.js";
import { quantizeWeights } from "./quantize.js";

/** The ONNX opset; onnxruntime 1.17 and onnxruntime-web read it. */
export const opset = 20;
/** The matching file format version. */
const irVersion = 9n;
/** Bytes of weights that a protobuf message of at most 2 GiB holds beside a graph. */
export const largestInOneFile = 2 ** 31 - 2 ** 24;
/** Smaller tensors, such as shapes, stay in the graph: the runtime reads them while it loads. */
const smallestOutside = 1024;
/** Tensors begin at pages, so that they can be mapped. */
const pageSize = 4096;

const conversions: Readonly<Record<string, Conversion>> = {
  ...elementwise,
  ...shapes,
  ...layers,
  ...reductions,
  ...choices,
};

/** The function to write: tensors in and out, with the batch as first axis. */
export interface OnnxSource {
  network: (...inputs: Tensor[]) => Tensor;
  /** example inputs for a batch size, in the order of `network`'s parameters */
  examples: (batch: number) => Tensor[];
  inputNames: readonly string[];
  outputName: string;
  /** metadata of the file */
  metadata: Readonly<Record<string, string>>;
}

/**
 * A function of tensors as an ONNX model for any batch size: its operators are traced, and constant parts are evaluated
 * beforehand.
 * @param options.quantize weights as 8-bit integers
 * @throws DisbackError naming an operator that cannot be written
 */
export function traceOnnxModel(source: OnnxSource, options: { quantize?: boolean } = {}): OnnxModel {
  const { inputs, calls, outputs } = traceBatched(source.network, source.examples);
  const graph = new OnnxGraph();
  const names: Names = new Map();
  for (const [index, value] of inputs.entries()) {
    names.set(value, graph.input(source.inputNames[index]!, value.dtype, value.sizes));
  }
  for (const call of calls) convert(call, names, graph);
  addOutput(graph, outputs[0]!, names, source.outputName);
  if (options.quantize) quantizeWeights(graph);
  return new OnnxModel(graph, source.metadata);
}

/** The bytes of an ONNX file with a function of tensors. @throws DisbackError as `traceOnnxModel` */
export function writeOnnxModel(source: OnnxSource, options: { quantize?: boolean } = {}): Uint8Array {
  return traceOnnxModel(source, options).encode();
}

/** A model that can be written: as one file, or with its weights in a second one. */
export class OnnxModel {
  constructor(
    private readonly graph: OnnxGraph,
    private readonly metadata: Readonly<Record<string, string>>,
  ) {}

  /** Bytes of its weights. */
  get size(): number {
    return this.graph.initializers.reduce((sum, { rawData }) => sum + rawData.byteLength, 0);
  }

  /** All in one file. @throws DisbackError if that is more than a file can hold */
  encode(): Uint8Array {
    const { size } = this;
    if (size <= largestInOneFile) return encode(this.graph, this.metadata);
    throw new DisbackError(
      `export: ${(size / 2 ** 30).toFixed(1)} GiB of weights do not fit one file of at most 2 GiB; try f16 or int8`,
    );
  }

  /**
   * The weights apart, as ONNX's external data. They leave this model, so it can be encoded only once.
   * @param location name of the second file, which lies beside the first
   * @returns the first file, and the second one's parts in their order
   */
  encodeApart(location: string): { model: Uint8Array; data: Uint8Array[] } {
    const data: Uint8Array[] = [];
    let offset = 0;
    for (const tensor of this.graph.initializers) {
      const { rawData } = tensor;
      if (rawData.byteLength < smallestOutside) continue;
      const padding = (pageSize - (rawData.byteLength % pageSize)) % pageSize;
      data.push(rawData, new Uint8Array(padding));
      const place = { location, offset: String(offset), length: String(rawData.byteLength) };
      tensor.externalData = entries(place);
      tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
      tensor.rawData = new Uint8Array();
      offset += rawData.byteLength + padding;
    }
    return { model: encode(this.graph, this.metadata), data };
  }
}

function convert(call: BatchedCall, names: Names, graph: OnnxGraph): void {
  const conversion = conversions[call.operator];
  if (!conversion) {
    throw new DisbackError(
      `export: operator ${call.operator} cannot be written to ONNX: it is not known here`,
    );
  }
  const written = [conversion(new CallView(call, names, graph))].flat();
  for (const [index, value] of call.results.entries()) names.set(value, written[index]!);
}

function addOutput(graph: OnnxGraph, value: BatchedValue, names: Names, outputName: string): void {
  const name = names.get(value);
  if (name === undefined)
    throw new DisbackError("export: the network's output does not depend on its inputs");
  graph.node("Identity", [name]);
  graph.nodes.at(-1)!.output = [outputName];
  graph.output(outputName, value.dtype, value.sizes);
}

function encode(graph: OnnxGraph, metadata: Readonly<Record<string, string>>): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion,
    opsetImport: [{ domain: "", version: BigInt(opset) }],
    producerName: "disback",
    graph: {
      name: "network",
      node: graph.nodes,
      initializer: graph.initializers,
      input: graph.inputs,
      output: graph.outputs,
    },
    metadataProps: entries(metadata),
  });
  return toBinary(ModelProtoSchema, model);
}

function entries(values: Readonly<Record<string, string>>): StringStringEntryProto[] {
  return Object.entries(values).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
}
