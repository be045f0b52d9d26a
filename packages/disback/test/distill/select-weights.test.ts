import { Generator } from "@disback/torch";
import { expect, test } from "vitest";
import { selectWeights } from "../../src/distill/select-weights.js";
import { createDenoiser, parseDenoiserConfig } from "../../src/models/config.js";

const network = (channels: number, seed: number, blocks = 1) =>
  createDenoiser(
    parseDenoiserConfig(
      { network: "mlp", preconditioning: "edm", dimension: 2, hiddenChannels: channels, blocks },
      "test",
    ),
    { generator: new Generator(seed) },
  );
const weights = (of: ReturnType<typeof network>) =>
  new Map([...of.stateDict()].map(([name, tensor]) => [name, tensor.toArray()]));

test("a smaller network has the first channels of the larger one's weights", () => {
  const large = network(8, 1);
  const before = weights(large);
  const small = network(4, 2);
  expect(selectWeights(large, small)).toBe(true);
  expect(weights(large)).toEqual(before);
  const cut = (values: unknown, shape: readonly number[]): unknown =>
    shape.length === 0
      ? values
      : (values as unknown[]).slice(0, shape[0]).map((row) => cut(row, shape.slice(1)));
  for (const [name, tensor] of small.stateDict())
    expect(tensor.toArray(), name).toEqual(cut(before.get(name), tensor.shape));
});

test("networks of the same size, larger ones and other ones keep their weights", () => {
  for (const other of [network(8, 2), network(16, 2), network(4, 2, 2)]) {
    const before = weights(other);
    expect(selectWeights(network(8, 1), other)).toBe(false);
    expect(weights(other)).toEqual(before);
  }
});
