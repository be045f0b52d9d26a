import { gradient, type Module, noGrad, type Tensor, tensor } from "@disback/torch";
import { expect } from "vitest";
import { Block } from "../../src/models/block.js";
import { type Case, fill, relativeError } from "./fixtures.js";

type Value = (of: Case, key: string) => Tensor | undefined;

/**
 * Compares a network with its original: keys and shapes, output, gradients; with a graph, without one, and with
 * activations computed again.
 * @param run the network on a case's inputs
 */
export function compareWithOriginal(
  of: Case,
  value: Value,
  network: Module,
  run: (x: Tensor) => Tensor,
  limit = 1e-5,
): void {
  network.eval();
  const shapes = Object.fromEntries([...network.stateDict()].map(([key, { shape }]) => [key, shape]));
  expect(shapes).toEqual(of.keys);
  fill(network, of.seed);
  const named = network.namedParameters().sort(([a], [b]) => (a < b ? -1 : 1));
  const normsOf = (gradients: (Tensor | undefined | null)[]) =>
    tensor(gradients.map((one) => one?.norm().item() ?? 0));

  const x = value(of, "x")!.clone().requiresGrad_();
  const output = run(x);
  expect(relativeError(output, value(of, "output")!)).toBeLessThan(limit);
  const [input, ...rest] = gradient([output], [x, ...named.map(([, parameter]) => parameter)], {
    gradOutputs: [value(of, "cotangent")!],
    allowUnused: true,
  });
  expect(relativeError(input!, value(of, "gradient")!)).toBeLessThan(limit);
  expect(relativeError(normsOf(rest), value(of, "norms")!)).toBeLessThan(limit);
  expect(
    relativeError(
      noGrad(() => run(x)),
      value(of, "output")!,
    ),
  ).toBeLessThan(limit);

  for (const block of network.modules()) if (block instanceof Block) block.recomputes = true;
  const again = run(x);
  expect(relativeError(again, value(of, "output")!)).toBeLessThan(limit);
  again.mul(value(of, "cotangent")!).sum().backward();
  expect(relativeError(x.grad!, value(of, "gradient")!)).toBeLessThan(limit);
  expect(relativeError(normsOf(named.map(([, { grad }]) => grad)), value(of, "norms")!)).toBeLessThan(limit);
}
