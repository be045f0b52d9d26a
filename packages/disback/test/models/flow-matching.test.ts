import { fileURLToPath } from "node:url";
import { type DType, full, Generator, randn, readSafetensors, type Tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { Network } from "../../src/models/network.js";
import { FlowMatchingDenoiser, sigmaAt } from "../../src/models/preconditioning/flow-matching.js";
import { relativeError } from "./fixtures.js";

/** A network that is a formula. */
class Formula extends Network {
  readonly dtype: DType = "float32";

  constructor(private readonly formula: (x: Tensor, time: Tensor) => Tensor) {
    super();
  }

  forward(x: Tensor, noise: Tensor): Tensor {
    return this.formula(x, noise.reshape([-1, 1]));
  }

  features(x: Tensor): Tensor {
    return x;
  }
}

const facts = { sampleShape: [3], sigmaData: 1, condition: {} };
const mean = 0.4;
const deviation = 0.6;

/** n - x0 as expected of Gaussian data at x_t = (1 - t) x0 + t n. */
function velocity(x: Tensor, time: Tensor): Tensor {
  const data = time.neg().add(1);
  const variance = data
    .square()
    .mul(deviation ** 2)
    .add(time.square());
  const left = x.sub(data.mul(mean)).div(variance);
  return left.mul(time.sub(data.mul(deviation ** 2))).sub(mean);
}

describe("flow matching", () => {
  const directions = [
    { reversed: false, network: velocity },
    { reversed: true, network: (x: Tensor, time: Tensor) => velocity(x, time.neg().add(1)).neg() },
  ];

  it.each(directions)("reversed $reversed: the exact velocity gives the exact estimate", (direction) => {
    const denoiser = new FlowMatchingDenoiser(new Formula(direction.network), facts, direction);
    const x = randn([4, 3], { generator: new Generator(1) }).mul(2);
    for (const sigma of [0.002, 0.3, 1, 20, 900]) {
      const estimate = denoiser.denoise(x, full([4], sigma));
      const expected = x.mul(deviation ** 2).add(mean * sigma ** 2);
      expect(relativeError(estimate, expected.div(deviation ** 2 + sigma ** 2))).toBeLessThan(2e-4);
    }
  });

  it("knows the range of noise levels", () => {
    const { sigmaMin, sigmaMax } = new FlowMatchingDenoiser(new Formula(velocity), facts);
    expect(sigmaMin).toBeCloseTo(1 / 999, 12);
    expect(sigmaMax).toBeCloseTo(999, 8);
  });

  const file = fileURLToPath(new URL("../fixtures/models/flow-matching.safetensors", import.meta.url));
  const { tensors } = readSafetensors(file);
  it.each([
    ["forward", false],
    ["reversed", true],
  ])("%s: Euler's steps are those of diffusers' pipelines", (name, reversed) => {
    const network = new Formula((x, time) => x.mul(0.7).add(time).sub(0.3));
    const denoiser = new FlowMatchingDenoiser(network, facts, { reversed });
    const states = tensors.get(`${name}/states`)!.unbind(0);
    const times = tensors.get("times")!.toArray() as number[];
    let x = states[0]!.div(1 - times[0]!);
    for (const [step, time] of times.slice(0, -1).entries()) {
      const [sigma, next] = [sigmaAt(time), sigmaAt(times[step + 1]!)];
      const slope = x.sub(denoiser.denoise(x, full([2], sigma))).div(sigma);
      x = x.add(slope.mul(next - sigma));
      const state = x.mul(1 - times[step + 1]!);
      expect(relativeError(state, states[step + 1]!)).toBeLessThan(1e-5);
    }
  });
});
