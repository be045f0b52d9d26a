import { Generator, parameter, type Tensor, tensor } from "@disback/torch";
import { expect, test } from "vitest";
import { MicroBatches } from "../../src/training/micro-batches.js";
import { NetworkTrainer } from "../../src/training/network-trainer.js";

const weights = () => [parameter(tensor([1, 2])), parameter(tensor([3]))];
const batch = new MicroBatches({ batchSize: 1, random: new Generator() });
/** One update by gradients that are given. */
const update = (trainer: NetworkTrainer, parameters: Tensor[], gradients: Tensor[]) =>
  trainer.update(batch, () => ({
    loss: parameters.map((one, index) => one.mul(gradients[index]!).sum()).reduce((a, b) => a.add(b)),
    figures: {},
  }));
const values = (parameters: { toArray(): unknown }[]) =>
  parameters.flatMap((one) => one.toArray() as number[]);

test("old gradients are forgotten, each update is Adam's", () => {
  // Adam's first step is the learning rate times the gradient's sign; with beta1 = 0 and equal gradients so is the next.
  const parameters = weights();
  const trainer = new NetworkTrainer(parameters, { learningRate: 0.5, betas: [0, 0.999] });
  parameters[0]!.mul(-9).sum().backward();
  for (let step = 0; step < 2; step++) update(trainer, parameters, [tensor([1, 1]), tensor([1])]);
  for (const [i, value] of values(parameters).entries()) expect(value).toBeCloseTo(i, 5);
});

test("gradients that are no numbers change nothing, infinite ones are limited", () => {
  const parameters = weights();
  const trainer = new NetworkTrainer(parameters, { learningRate: 0.5 });
  update(trainer, parameters, [tensor([Number.NaN, -1]), tensor([Number.POSITIVE_INFINITY])]);
  const [unchanged, risen, fallen] = values(parameters);
  expect(unchanged).toBe(1);
  expect(risen).toBeCloseTo(2.5, 5);
  expect(fallen).toBeCloseTo(2.5, 5);
});

test("the gradients' joint norm is limited before Adam sees it", () => {
  const parameters = weights();
  const trainer = new NetworkTrainer(parameters, { learningRate: 1e-3, gradientClip: 1 });
  update(trainer, parameters, [tensor([2, 0]), tensor([1.5])]); // norm 2.5
  // The first moment after one step is 0.1 times the gradient.
  const moments = [...trainer.state().tensors].filter(([key]) => key.endsWith("exp_avg"));
  const first = moments.flatMap(([, moment]) => moment.toArray() as number[]);
  for (const [i, value] of [0.08, 0, 0.06].entries()) expect(first[i]).toBeCloseTo(value, 5);
});

test("the learning rate is part of the state", () => {
  const [saved, loaded] = [2e-3, 1e-3].map((learningRate) => new NetworkTrainer(weights(), { learningRate }));
  loaded!.loadState(saved!.state());
  expect(loaded!.learningRate).toBe(2e-3);
});
