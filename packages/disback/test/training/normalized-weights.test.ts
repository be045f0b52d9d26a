import { Generator, Module, ops, parameter, tensor } from "@disback/torch";
import { expect, test } from "vitest";
import { normalizeWeights } from "../../src/models/normalized.js";
import { MicroBatches } from "../../src/training/micro-batches.js";
import { NetworkTrainer } from "../../src/training/network-trainer.js";

/** One weight vector that is to have the norm 1. */
class UnitVector extends Module {
  readonly weight = parameter(tensor([0.6, 0.8]));

  normalizeWeights(): void {
    const weight = this.weight.detach();
    weight.div_(ops.linalg_vector_norm(weight).item());
  }
}

class Around extends Module {
  readonly inner = new UnitVector();
}

test("weights that keep their norm have it after every update, and follow the gradient otherwise", () => {
  const network = new Around();
  const trainer = new NetworkTrainer(network.parameters(), {
    learningRate: 0.1,
    afterStep: () => normalizeWeights(network),
  });
  const batch = new MicroBatches({ batchSize: 1, random: new Generator(0) });
  const target = tensor([1, 0]);
  const seen: number[][] = [];
  for (let step = 0; step < 40; step++) {
    trainer.update(batch, () => {
      const loss = network.inner.weight.sub(target).square().sum();
      return { loss, figures: { loss } };
    });
    seen.push(network.inner.weight.toArray() as number[]);
  }
  for (const [x, y] of seen) expect(Math.hypot(x!, y!)).toBeCloseTo(1, 6);
  expect(seen.at(-1)![0]).toBeGreaterThan(0.98);
});
