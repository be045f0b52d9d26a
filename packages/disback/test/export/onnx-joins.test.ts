import {
  arange,
  cat,
  full,
  Generator,
  inferenceMode,
  Linear,
  ops,
  randn,
  stack,
  type Tensor,
} from "@disback/torch";
import { InferenceSession, Tensor as OnnxTensor } from "onnxruntime-node";
import { expect, it } from "vitest";
import { writeOnnxModel } from "../../src/export/onnx/write-model.js";

/** Largest difference of ONNX Runtime's result, relative, for a batch that was not traced. */
async function difference(network: (x: Tensor) => Tensor, example: (batch: number) => Tensor) {
  const bytes = writeOnnxModel({
    network: (x?: Tensor) => network(x!),
    examples: (batch) => [example(batch)],
    inputNames: ["x"],
    outputName: "y",
    metadata: {},
  });
  const input = example(5);
  const expected = inferenceMode(() => network(input));
  const session = await InferenceSession.create(bytes);
  const { y } = await session.run({
    x: new OnnxTensor("float32", input.data() as Float32Array, input.shape),
  });
  expect(y!.dims).toEqual(expected.shape);
  const found = y!.data as Float32Array;
  const values = expected.data() as Float32Array;
  return Math.max(...values.map((value, index) => Math.abs(found[index]! - value) / Math.abs(value)));
}

const normal = (...shape: number[]) => randn(shape, { generator: new Generator(1) });

it("a constant is joined to each sample: a time as one more channel, a token, a row", async () => {
  const channel = (x: Tensor) => cat([x, full([x.shape[0]!, 1, 3, 3], 0.25)], 1);
  expect(await difference(channel, (batch) => normal(batch, 2, 3, 3))).toBe(0);
  const token = (x: Tensor) => cat([full([1, 1, 4], 7).expand([x.shape[0]!, 1, 4]), x], 1);
  expect(await difference(token, (batch) => normal(batch, 2, 4))).toBe(0);
  const row = (x: Tensor) => stack([x, full([x.shape[0]!, 4], 2)], 1);
  expect(await difference(row, (batch) => normal(batch, 4))).toBe(0);
});

it("what a network works out of it first is a constant too", async () => {
  const layer = new Linear(1, 3);
  const embedded = (x: Tensor) => cat([x, layer.forward(full([x.shape[0]!, 1], 0.5))], 1);
  expect(await difference(embedded, (batch) => normal(batch, 2))).toBe(0);
});

it("constants that would be samples of their own are refused", () => {
  const source = {
    network: (x?: Tensor) => cat([x!, full([x!.shape[0]!, 2], 1)], 0),
    examples: (batch: number) => [normal(batch, 2)],
    ...{ inputNames: ["x"], outputName: "y", metadata: {} },
  };
  expect(() => writeOnnxModel(source)).toThrow("it joins a constant to the samples of the batch");
});

it("log1p is exact near 0", async () => {
  const powers = (batch: number) =>
    ops.pow_Scalar(10, arange(-20, 1, 1, { dtype: "float32" }).repeat([batch, 1]));
  expect(await difference((x) => x.log1p(), powers)).toBeLessThan(1e-6);
});
