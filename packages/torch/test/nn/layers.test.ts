import {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveAvgPool3d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AdaptiveMaxPool3d,
  AvgPool1d,
  AvgPool2d,
  AvgPool3d,
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  Conv1d,
  Conv2d,
  Conv3d,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  Dropout2d,
  ELU,
  Embedding,
  Flatten,
  GELU,
  Generator,
  GLU,
  Hardswish,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  interpolate,
  type Layer,
  LeakyReLU,
  LogSigmoid,
  LogSoftmax,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
  Mish,
  type Module,
  ones,
  PixelShuffle,
  PixelUnshuffle,
  PReLU,
  ReLU,
  ReLU6,
  RMSNorm,
  randn,
  SELU,
  Sigmoid,
  Softmax,
  Softplus,
  Tanh,
  tensor,
  Unflatten,
  Upsample,
  zeros,
} from "@disback/torch";
import { expect, test } from "vitest";
import { expectClose, expectEqual, Fixture } from "../fixture.js";

const fixture = new Fixture("layers.safetensors");
const initial = new Fixture("layer_initialization.safetensors");

const layers: Record<string, Layer> = {
  conv1d: new Conv1d(4, 6, 3, { stride: 2, padding: 1, dilation: 2, groups: 2 }),
  conv3d: new Conv3d(2, 3, [2, 3, 3], { padding: [0, 1, 1] }),
  convTranspose1d: new ConvTranspose1d(4, 6, 3, { stride: 2, groups: 2 }),
  convTranspose2d: new ConvTranspose2d(4, 6, [3, 4], { stride: 2, padding: 1, outputPadding: [1, 0] }),
  convTranspose3d: new ConvTranspose3d(2, 3, 2, { bias: false, dilation: 2 }),
  batchNorm1d: new BatchNorm1d(5),
  batchNorm2d: new BatchNorm2d(3, { eps: 1e-3, momentum: 0.3 }),
  batchNorm3d: new BatchNorm3d(2, { momentum: null }),
  batchNormUntracked: new BatchNorm2d(3, { affine: false, trackRunningStats: false }),
  instanceNorm1d: new InstanceNorm1d(3),
  instanceNorm2d: new InstanceNorm2d(3, { affine: true, trackRunningStats: true }),
  instanceNorm3d: new InstanceNorm3d(2, { affine: true }),
  rmsNorm: new RMSNorm([4, 5]),
  maxPool1d: new MaxPool1d(3, { stride: 2, padding: 1 }),
  maxPool2d: new MaxPool2d([2, 3], { dilation: [1, 2], ceilMode: true }),
  maxPool3d: new MaxPool3d(2),
  avgPool1d: new AvgPool1d(2),
  avgPool2d: new AvgPool2d(3, { stride: 2, padding: 1, countIncludePad: false }),
  avgPool3d: new AvgPool3d(2, { ceilMode: true }),
  adaptiveAvgPool1d: new AdaptiveAvgPool1d(3),
  adaptiveAvgPool2d: new AdaptiveAvgPool2d([2, 3]),
  adaptiveAvgPool3d: new AdaptiveAvgPool3d(2),
  adaptiveMaxPool1d: new AdaptiveMaxPool1d(3),
  adaptiveMaxPool2d: new AdaptiveMaxPool2d(1),
  adaptiveMaxPool3d: new AdaptiveMaxPool3d([1, 2, 2]),
  nearest1d: new Upsample({ scaleFactor: 2 }),
  nearest2d: new Upsample({ size: [5, 7] }),
  nearest3d: new Upsample({ scaleFactor: 1.5 }),
  nearestExact2d: new Upsample({ size: [3, 5], mode: "nearest-exact" }),
  linear1d: new Upsample({ scaleFactor: 2.5, mode: "linear" }),
  bilinear2d: new Upsample({ scaleFactor: [2, 3], mode: "bilinear", alignCorners: true }),
  bicubic2d: new Upsample({ size: [7, 5], mode: "bicubic" }),
  trilinear3d: new Upsample({ size: [3, 4, 2], mode: "trilinear" }),
  pixelShuffle: new PixelShuffle(2),
  pixelUnshuffle: new PixelUnshuffle(2),
  flatten: new Flatten(),
  unflatten: new Unflatten(1, [2, 3]),
  relu: new ReLU(),
  relu6: new ReLU6(),
  leakyRelu: new LeakyReLU(0.2),
  prelu: new PReLU(3),
  elu: new ELU(0.7),
  selu: new SELU(),
  gelu: new GELU(),
  geluTanh: new GELU("tanh"),
  mish: new Mish(),
  hardswish: new Hardswish(),
  softplus: new Softplus(2, 5),
  sigmoid: new Sigmoid(),
  logSigmoid: new LogSigmoid(),
  tanh: new Tanh(),
  softmax: new Softmax(1),
  logSoftmax: new LogSoftmax(-1),
  glu: new GLU(),
};

test.each(Object.entries(layers))(
  "%s: keys, values, gradients and statistics are PyTorch's",
  (name, layer) => {
    layer.loadStateDict(fixture.under(`${name}.state.`));
    const input = fixture.get(`${name}.input`).clone().requiresGrad_();
    const output = layer.forward(input);
    expectClose(output, fixture.get(`${name}.output`), 1e-6, `${name} output`);
    output
      .mul(fixture.get(`${name}.weight`))
      .sum()
      .backward();
    expectClose(input.grad, fixture.get(`${name}.grad.input`), 2e-6, `${name} gradient of the input`);
    for (const [key, weight] of layer.namedParameters())
      expectClose(weight.grad, fixture.get(`${name}.grad.${key}`), 2e-6, `${name} gradient of ${key}`);
    const after = fixture.under(`${name}.after.`);
    expect(layer.namedBuffers().map(([key]) => key)).toEqual([...after.keys()].sort(byDefinition));
    for (const [key, buffer] of layer.namedBuffers())
      expectClose(buffer, after.get(key)!, 1e-6, `${name} ${key}`);
    expectClose(layer.eval().forward(input), fixture.get(`${name}.evaluated`), 2e-6, `${name} evaluated`);
  },
);

/** A safetensors file has its tensors in another order. */
function byDefinition(a: string, b: string): number {
  const order = ["running_mean", "running_var", "num_batches_tracked"];
  return order.indexOf(a) - order.indexOf(b);
}

const fresh: [string, (generator: Generator) => Module][] = [
  ["conv1d", (generator) => new Conv1d(4, 6, 3, { groups: 2, generator })],
  ["conv3d", (generator) => new Conv3d(2, 3, 2, { generator })],
  ["convTranspose1d", (generator) => new ConvTranspose1d(4, 6, 3, { groups: 2, generator })],
  ["convTranspose2d", (generator) => new ConvTranspose2d(2, 3, [2, 3], { generator })],
  ["convTranspose3d", (generator) => new ConvTranspose3d(2, 3, 2, { generator })],
  ["batchNorm2d", () => new BatchNorm2d(3)],
  ["instanceNorm2d", () => new InstanceNorm2d(3, { affine: true })],
  ["prelu", () => new PReLU(2)],
  ["rmsNorm", () => new RMSNorm(3)],
  ["embeddingPadded", (generator) => new Embedding(4, 3, { paddingIndex: 1, generator })],
];

test.each(fresh)("seed 0 gives PyTorch's weights: %s", (name, make) => {
  const expected = initial.under(`${name}.`);
  const state = make(new Generator(0)).stateDict();
  expect(new Set(state.keys())).toEqual(new Set(expected.keys()));
  for (const [key, value] of state) expectEqual(value, expected.get(key)!, key);
});

test("a padded embedding's vector gets no gradient", () => {
  const embedding = new Embedding(3, 2, { paddingIndex: 1 });
  embedding
    .forward(tensor([1, 2], { dtype: "int64" }))
    .sum()
    .backward();
  expect(embedding.weight.grad!.toArray()).toEqual([
    [0, 0],
    [0, 0],
    [1, 1],
  ]);
});

test("whole channels are dropped, with a generator and without", () => {
  for (const options of [{}, { generator: new Generator(3) }]) {
    const dropped = new Dropout2d(0.5, options).forward(ones([8, 16, 2, 2])).flatten(2);
    expect(dropped.amax(2).equal(dropped.amin(2))).toBe(true);
    expect([...new Set(dropped.flatten().data() as Float32Array)].sort()).toEqual([0, 2]);
  }
  expect(
    new Dropout2d()
      .eval()
      .forward(ones([1, 1, 1, 1]))
      .item(),
  ).toBe(1);
});

test("wrong shapes and options are named", () => {
  expect(() => new Conv2d(3, 4, [3])).toThrow("[3] has 1 numbers, but there are 2 axes");
  expect(() => new Conv1d(3, 4, 3, { groups: 2 })).toThrow("Conv1d: 2 groups do not divide 3 and 4 channels");
  expect(() => new BatchNorm2d(3).forward(zeros([2, 3]))).toThrow(
    "BatchNorm2d: needs an input of 4 axes, not [2, 3]",
  );
  expect(() => interpolate(randn([1, 1, 2]), {})).toThrow("give either size or scaleFactor");
  expect(() => interpolate(randn([1, 1, 2]), { size: 4, mode: "bilinear" })).toThrow(
    'mode "bilinear" is not for an input of shape [1, 1, 2]',
  );
});
