import { full, Generator, noGrad, type Tensor } from "@disback/torch";
import { expect, it } from "vitest";
import { describeFindings, examineNetworks } from "../../src/distill/examine-networks.js";
import { createDenoiser, parseDenoiserConfig } from "../../src/models/config.js";
import { DenoiserModule } from "../../src/models/denoiser.js";

const facts = { sampleShape: [2], sigmaData: 0.5, condition: {} };
const like = { facts, device: "cpu" } as const;
const config = parseDenoiserConfig({ network: "mlp", dimension: 2, hiddenChannels: 8, blocks: 1 });
const network = () => createDenoiser(config, { generator: new Generator(0) });

/** Restores everything by `factor`, and nothing above a noise level. */
class Failing extends DenoiserModule {
  readonly facts = facts;
  constructor(
    readonly above: number,
    readonly factor = 0.5,
  ) {
    super();
  }
  denoise(x: Tensor, sigma: Tensor): Tensor {
    return sigma.select(0, 0).item() > this.above ? x.mul(Number.NaN) : x.mul(this.factor);
  }
}

it("names the network and the noise levels at which it fails", () => {
  const findings = examineNetworks({ student: network(), target: new Failing(1) }, like);
  expect(findings[0]).toMatchObject({ network: "student", brokenLevels: [] });
  expect(findings[1]!.brokenLevels.every((sigma) => sigma > 1)).toBe(true);
  expect(findings[1]!.brokenLevels[0]).toBe(80);
  expect(describeFindings(findings)).toMatch(/^target: estimates not finite at noise levels 1\.\d to 80$/);
});

it("names a broken weight", () => {
  const broken = network();
  const [key, weight] = [...broken.stateDict()][2]!;
  noGrad(() => weight.select(0, 0).copy_(full(weight.shape.slice(1), Number.NaN)));
  const text = describeFindings(examineNetworks({ student: network(), "auxiliary model": broken }, like));
  expect(text).toMatch(/^auxiliary model: weights not finite \(/);
  expect(text).toContain(key);
  expect(text).toContain("noise levels 0.002 to 80");
});

it("finds the noise level that is worst when all is finite", () => {
  const findings = examineNetworks({ good: new Failing(1e9, 1), bad: new Failing(1e9, 100) }, like);
  expect(describeFindings(findings)).toMatch(
    /^all networks are finite; the worst is the bad at noise level 0\.002, loss \d/,
  );
});
