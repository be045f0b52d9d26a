import {
  autocast,
  Conv2d,
  call,
  Generator,
  gradient,
  jvp,
  ops,
  randn,
  type Tensor,
  trace,
} from "@disback/torch";
import { describe, expect, test } from "vitest";

const pointwise = (x: Tensor, weight: Tensor, bias?: Tensor) =>
  call("disback::pointwise_convolution", "", x, weight, bias) as Tensor;

function draw(batch: number, from: number, to: number, side: number) {
  const generator = new Generator(11);
  const [x, weight, bias, upstream] = [
    [batch, from, side, side],
    [to, from, 1, 1],
    [to],
    [batch, to, side, side],
  ].map((shape) => randn(shape, { generator })) as [Tensor, Tensor, Tensor, Tensor];
  return { x: x.contiguous("channels_last"), weight, bias, upstream: upstream.contiguous("channels_last") };
}

function difference(a: Tensor, b: Tensor): number {
  return a.double().sub(b).abs().max().item() / b.abs().max().item();
}

// The last one is too large for the product, and is oneDNN's convolution.
describe.each([
  [3, 12, 20, 5],
  [16, 32, 96, 4],
  [1, 1, 7, 6],
  [4, 160, 160, 20],
])("%i images, %i to %i channels, side %i", (...size) => {
  test.each([true, false])("values and gradients are those of libtorch in float64, bias: %s", (biased) => {
    const { x, weight, bias, upstream } = draw(...size);
    const run = (convolve: (...inputs: Tensor[]) => Tensor, given: Tensor[], gradOutput: Tensor) => {
      const inputs = given.map((tensor) => tensor.detach().requiresGrad_(true));
      const y = convolve(...inputs);
      return [y, ...(gradient([y], inputs, { gradOutputs: [gradOutput] }) as Tensor[])];
    };
    const given = biased ? [x, weight, bias] : [x, weight];
    const ours = run(pointwise as (...inputs: Tensor[]) => Tensor, given, upstream);
    const theirs = run(
      (...inputs) => ops.conv2d(inputs[0]!, inputs[1]!, inputs[2]),
      given.map((tensor) => tensor.double()),
      upstream.double(),
    );
    ours.forEach((tensor, index) => {
      expect(tensor.shape).toEqual(theirs[index]!.shape);
      expect(difference(tensor, theirs[index]!)).toBeLessThan(2e-6);
    });
    expect(ours[0]!.isContiguous("channels_last")).toBe(true);
    expect(ours[1]!.isContiguous("channels_last")).toBe(true);
  });
});

test("forward derivatives, contiguous images and autocast work as libtorch's convolution", () => {
  const { x, weight, bias } = draw(2, 8, 6, 4);
  const tangent = randn(x.shape, { generator: new Generator(2) });
  const { tangent: forward } = jvp((input) => pointwise(input, weight, bias), [x], [tangent]);
  expect(difference(forward, ops.conv2d(tangent.double(), weight.double()))).toBeLessThan(1e-6);
  const plain = x.contiguous();
  expect(pointwise(plain, weight, bias).equal(ops.conv2d(plain, weight, bias))).toBe(true);
  const half = autocast({}, () => pointwise(x, weight, bias));
  expect(half.dtype).toBe("bfloat16");
});

test("Conv2d takes it for kernels of one pixel alone", () => {
  const x = randn([1, 4, 4, 4]);
  const called = (layer: Conv2d) =>
    trace((input) => layer.forward(input), x).calls.map(({ operator }) => operator);
  expect(called(new Conv2d(4, 4, 1)).join()).toContain("disback::pointwise_convolution");
  for (const layer of [
    new Conv2d(4, 4, 3),
    new Conv2d(4, 4, 1, { stride: 2 }),
    new Conv2d(4, 4, 1, { groups: 2 }),
  ])
    expect(called(layer).join()).not.toContain("disback::");
});

test("a weight for other channels is refused as by the convolution", () => {
  const { x } = draw(1, 8, 6, 4);
  expect(() => pointwise(x, randn([6, 9, 1, 1]))).toThrow(/channels/);
});
