import {
  BCELoss,
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  type Module,
  MSELoss,
  NLLLoss,
  SmoothL1Loss,
  type Tensor,
  tensor,
} from "@disback/torch";
import { expect, test } from "vitest";
import { expectClose, Fixture } from "../fixture.js";

const fixture = new Fixture("losses.safetensors");
const weight = tensor([1, 2, 0.5]);

type Loss = Module & { forward(input: Tensor, target: Tensor): Tensor };
const losses: Record<string, Loss> = {
  smoothL1: new SmoothL1Loss({ beta: 0.5 }),
  huber: new HuberLoss({ delta: 1.5 }),
  nll: new NLLLoss({ weight, ignoreIndex: 2 }),
  nllImage: new NLLLoss(),
  crossEntropySmooth: new CrossEntropyLoss({ weight, labelSmoothing: 0.1 }),
  crossEntropyShares: new CrossEntropyLoss(),
  bce: new BCELoss({ weight }),
  bceLogits: new BCEWithLogitsLoss({ posWeight: weight }),
  klDivBatchLog: new KLDivLoss({ reduction: "batchmean", logTarget: true }),
};
for (const reduction of ["mean", "sum", "none"] as const) {
  losses[`mse.${reduction}`] = new MSELoss({ reduction });
  losses[`l1.${reduction}`] = new L1Loss({ reduction });
  losses[`crossEntropy.${reduction}`] = new CrossEntropyLoss({ reduction });
  losses[`klDiv.${reduction}`] = new KLDivLoss({ reduction });
}

test.each(Object.entries(losses))("%s: value and gradient are PyTorch's", (name, loss) => {
  const input = fixture.get(`${name}.input`).clone().requiresGrad_();
  const output = loss.forward(input, fixture.get(`${name}.target`));
  expectClose(output, fixture.get(`${name}.output`), 1e-6, name);
  output.sum().backward();
  expectClose(input.grad, fixture.get(`${name}.grad`), 1e-6, `${name} gradient`);
});

test("targets of another shape are refused", () => {
  expect(() => new NLLLoss().forward(tensor([[0, 0]]), tensor([0, 1], { dtype: "int64" }))).toThrow(/batch/i);
});
