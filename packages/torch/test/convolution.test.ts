import {
  Generator,
  getNumThreads,
  gradient,
  inferenceMode,
  noGrad,
  ops,
  randn,
  setNumThreads,
  type Tensor,
} from "@disback/torch";
import { describe, expect, it } from "vitest";

interface Case {
  batch: number;
  size: [number, number];
  channels: [number, number];
  kernel: 1 | 3;
  bias?: boolean;
}

// Odd sizes leave half tiles, channels that are no multiple of 8 are filled up, 24 and 40 leave half a panel; the last
// two have more tiles than are worked on together.
const cases: Case[] = [
  { batch: 4, size: [8, 8], channels: [16, 16], kernel: 3 },
  { batch: 3, size: [7, 5], channels: [24, 40], kernel: 3, bias: true },
  { batch: 5, size: [16, 16], channels: [1, 16], kernel: 3, bias: true },
  { batch: 2, size: [9, 12], channels: [3, 5], kernel: 3, bias: true },
  { batch: 64, size: [1, 1], channels: [8, 8], kernel: 3 },
  { batch: 4, size: [8, 8], channels: [48, 16], kernel: 1, bias: true },
  { batch: 3, size: [5, 7], channels: [3, 20], kernel: 1 },
  { batch: 7, size: [15, 16], channels: [8, 16], kernel: 3, bias: true },
  { batch: 7, size: [16, 17], channels: [8, 24], kernel: 1, bias: true },
];

/** Output, gradients, and gradients of a gradient's square sum: all that autograd asks of a convolution. */
function everything({ kernel }: Case, inputs: Tensor[], arriving: Tensor): Tensor[] {
  const [x, weight, bias] = inputs as [Tensor, Tensor, Tensor?];
  const output = ops.conv2d(x, weight, bias ?? null, [1, 1], [(kernel - 1) / 2, (kernel - 1) / 2]);
  const first = gradient([output], inputs, { gradOutputs: [arriving], createGraph: true });
  const penalty = first[0]!.square().sum().add(first[1]!.square().sum());
  const second = gradient([penalty], [x, weight]);
  return [output, ...first, ...second];
}

function drawn({ batch, size, channels: [input, output], kernel, bias }: Case): [Tensor[], Tensor] {
  const generator = new Generator(3);
  const draw = (shape: number[]) => randn(shape, { generator });
  const inputs = [draw([batch, input, ...size]), draw([output, input, kernel, kernel])];
  if (bias) inputs.push(draw([output]));
  return [inputs, draw([batch, output, ...size])];
}

/** Largest difference over the reference's root mean square. */
function difference(value: Tensor, reference: Tensor): number {
  const scale = reference.square().mean().sqrt().item();
  return value.double().sub(reference).abs().max().item() / scale;
}

describe("convolutions in float32", () => {
  it.each(cases)("$kernel x $kernel, $channels at $size: as libtorch's in float64", (shape) => {
    const [inputs, arriving] = drawn(shape);
    const ours = everything(
      shape,
      inputs.map((tensor) => tensor.requiresGrad_(true)),
      arriving,
    );
    const exact = everything(
      shape,
      inputs.map((tensor) => tensor.detach().double().requiresGrad_(true)),
      arriving.double(),
    );
    for (const [index, tensor] of ours.entries())
      expect(difference(tensor.detach(), exact[index]!.detach())).toBeLessThan(1e-5);
  });

  it("take images in any order of memory, and parts of images", () => {
    const [[x, weight], _] = drawn(cases[0]!) as [[Tensor, Tensor], Tensor];
    const plain = ops.conv2d(x, weight, null, [1, 1], [1, 1]);
    const turned = x.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
    const part = ops.cat([x, x], 1).narrow(1, 0, 16);
    for (const same of [turned, part])
      expect(ops.conv2d(same, weight, null, [1, 1], [1, 1]).sub(plain).abs().max().item()).toBe(0);
  });

  it("give the same on two threads, but for rounding of the weight's gradient", () => {
    const shape: Case = { batch: 32, size: [16, 16], channels: [16, 32], kernel: 3, bias: true };
    const before = getNumThreads();
    const results = [1, 2].map((threads) => {
      setNumThreads(threads);
      const [inputs, arriving] = drawn(shape);
      return everything(
        shape,
        inputs.map((tensor) => tensor.requiresGrad_(true)),
        arriving,
      ).map((tensor) => tensor.detach());
    });
    setNumThreads(before);
    const [one, two] = results as [Tensor[], Tensor[]];
    for (const [index, tensor] of two.entries())
      expect(difference(tensor, one[index]!.double())).toBeLessThan(index < 2 ? 1e-12 : 1e-5);
  });

  it("work without a graph, and keep a NaN within its image", () => {
    const [[x, weight], _] = drawn(cases[0]!) as [[Tensor, Tensor], Tensor];
    noGrad(() => x.select(0, 1).fill_(Number.NaN));
    const spoilt = inferenceMode(() => {
      const output = ops.conv2d(x, weight, null, [1, 1], [1, 1]);
      return [0, 1, 2, 3].map((image) => output.select(0, image).isfinite().all().item());
    });
    expect(spoilt.map(Boolean)).toEqual([true, false, true, true]);
  });

  it("leave all others to libtorch", () => {
    const generator = new Generator(5);
    const x = randn([4, 8, 16, 16], { generator });
    const weight = randn([8, 8, 3, 3], { generator });
    const exact = (...options: unknown[]) =>
      (ops.conv2d as (...all: unknown[]) => Tensor)(x.double(), weight.double(), null, ...options);
    const own = (...options: unknown[]) =>
      (ops.conv2d as (...all: unknown[]) => Tensor)(x, weight, null, ...options);
    for (const options of [
      [
        [2, 2],
        [1, 1],
      ],
      [
        [1, 1],
        [0, 0],
      ],
      [
        [1, 1],
        [2, 2],
        [2, 2],
      ],
    ])
      expect(difference(own(...options), exact(...options))).toBeLessThan(1e-5);
    expect(() => ops.conv2d(x, randn([8, 4, 3, 3]), null, [1, 1], [1, 1])).toThrow(/channels/);
  });
});
