import { Generator, gradient, ops, randn, type Tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { attention } from "../../src/models/attention.js";

describe("attention", () => {
  const softmaxAttention = (q: Tensor, k: Tensor, v: Tensor, bias: Tensor | null) => {
    const logits = q.matmul(k.transpose(-1, -2)).mul(q.shape.at(-1)! ** -0.5);
    return ops.softmax(bias ? logits.add(bias) : logits, -1).matmul(v);
  };

  it.each([
    [5, false],
    [10, true],
    [16, true],
    [24, false],
  ])(
    "of heads of %i channels (bias: %s) is the softmax of the products, with its gradients, in f64",
    (width, biased) => {
      const generator = new Generator(3);
      const draw = (...shape: number[]) =>
        randn(shape, { generator, dtype: "float64" }).detach().requiresGrad_(true);
      const inputs = [draw(2, 3, 7, width), draw(2, 3, 6, width), draw(2, 3, 6, width)] as const;
      const bias = biased ? randn([2, 1, 7, 6], { generator, dtype: "float64" }) : null;
      const upstream = randn([2, 3, 7, width], { generator, dtype: "float64" });
      const [ours, reference] = [attention, softmaxAttention].map((attend) => {
        const result = attend(...inputs, bias);
        return [result, ...gradient([result], inputs, { gradOutputs: [upstream] })] as Tensor[];
      }) as [Tensor[], Tensor[]];
      ours.forEach((tensor, index) => {
        expect(tensor.shape).toEqual(reference[index]!.shape);
        expect(tensor.sub(reference[index]!).abs().max().item()).toBeLessThan(1e-12);
      });
    },
  );
});
