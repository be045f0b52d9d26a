import { Generator, gradient, ops, randn, type Tensor } from "@disback/torch";
import { expect, test } from "vitest";
import { attention } from "../../src/models/attention.js";

/** softmax(Q K^T / sqrt(d) + bias) V, written out in float64. */
function reference(query: Tensor, key: Tensor, value: Tensor, bias?: Tensor): Tensor {
  const scores = ops.matmul(query.double(), key.double().transpose(-1, -2)).div(Math.sqrt(query.shape.at(-1)!));
  return ops.matmul(ops.softmax(bias ? scores.add(bias) : scores, -1), value.double());
}

test.each([
  { channels: 10, biased: false },
  { channels: 10, biased: true },
  { channels: 16, biased: false },
  { channels: 1, biased: false },
])("heads of $channels channels, bias $biased: values and gradients", ({ channels, biased }) => {
  const generator = new Generator(1);
  const draw = (length: number) => randn([2, 3, length, channels], { generator }).requiresGrad_(true);
  const given = [draw(37), draw(20), draw(20)] as [Tensor, Tensor, Tensor];
  const bias = biased ? randn([2, 1, 1, 20], { generator }) : undefined;
  const [ours, exact] = [attention(...given, bias), reference(...given, bias)];
  expect(ours.shape).toEqual([2, 3, 37, channels]);
  const weights = randn(ours.shape, { generator });
  const gradients = (result: Tensor) => gradient([result.mul(weights).sum()], given);
  const wanted = [exact, ...gradients(exact)];
  for (const [at, found] of [ours, ...gradients(ours)].entries())
    expect(found.double().sub(wanted[at]!).abs().max().item()).toBeLessThan(1e-5);
});
