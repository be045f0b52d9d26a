import { type DType, keep, readSafetensors, type Tensor, tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { describeSchedule } from "../../src/import/diffusers/noise-schedule.js";
import { Network } from "../../src/models/network.js";
import { noiseLevels } from "../../src/models/preconditioning/beta-schedule.js";
import { DiscreteDenoiser, type Prediction } from "../../src/models/preconditioning/discrete.js";
import { component, fixture } from "../diffusers/fixtures.js";
import { relativeError } from "./fixtures.js";

const { tensors, metadata } = readSafetensors(fixture("schedules.safetensors"));
const cases = JSON.parse(metadata["cases"]!) as { name: string; config: Record<string, unknown> }[];
const value = (key: string): Tensor => tensors.get(key)!;
const facts = { sampleShape: [3, 4, 4], sigmaData: 0.5, condition: {} };
/** Gives what it is told to, and remembers what it was asked. */
class Recorder extends Network {
  readonly dtype: DType = "float32";
  input?: Tensor;
  step?: Tensor;

  constructor(private readonly output: Tensor) {
    super();
  }

  forward(x: Tensor, noise: Tensor): Tensor {
    this.input = keep(x.clone());
    this.step = keep(noise.clone());
    return this.output;
  }

  features(): Tensor {
    return this.output;
  }
}

describe("noise levels are those of diffusers' schedulers", () => {
  it.each(cases)("$name", ({ name, config }) => {
    const alphaBars = value(`${name}/alphaBar`).toArray() as number[];
    const expected = alphaBars.filter((alphaBar) => alphaBar > 0).map((bar) => Math.sqrt((1 - bar) / bar));
    const levels = noiseLevels(describeSchedule(component(config)));
    expect(levels).toHaveLength(name === "zero-snr" ? 999 : alphaBars.length);
    for (const [step, level] of levels.entries()) expect(level / expected[step]!).toBeCloseTo(1, 6);
  });
});

describe("estimates are those of diffusers' samplers", () => {
  const alphaBars = value("linear/alphaBar").toArray() as number[];
  const steps = value("predictions/steps").toArray() as number[];
  const bars = tensor(steps.map((step) => alphaBars[step]!));
  const noisy = value("predictions/noisy");
  const sigma = bars.neg().add(1).div(bars).sqrt();

  it.each<[Prediction, string]>([
    ["epsilon", "epsilon"],
    ["v", "v_prediction"],
    ["sample", "sample"],
  ])("%s", (prediction, theirs) => {
    const network = new Recorder(value("predictions/output"));
    const denoiser = new DiscreteDenoiser(network, facts, { prediction });
    const x = noisy.div(bars.sqrt().reshape([-1, 1, 1, 1]));
    expect(relativeError(denoiser.denoise(x, sigma), value(`predictions/${theirs}`))).toBeLessThan(1e-5);
    expect(relativeError(network.input!, noisy)).toBeLessThan(1e-6);
    expect(network.step!.toArray()).toEqual(steps);
  });

  it("levels between two steps ask for a fraction of a step, as k-diffusion does", () => {
    const network = new Recorder(value("predictions/output").narrow(0, 0, 1));
    const denoiser = new DiscreteDenoiser(network, facts);
    const between = value("between/sigma");
    denoiser.denoise(noisy.narrow(0, 0, 1).expand([8, 3, 4, 4]), between.float());
    expect(network.step!.sub(value("between/step")).abs().max().item()).toBeLessThan(1e-3);
    expect(denoiser.sigmaMin).toBeCloseTo(0.01, 4);
    expect(denoiser.sigmaMax).toBeCloseTo(157.4, 1);
  });

  it("a variance in further channels is not used", () => {
    const wide = value("predictions/output").repeat([1, 2, 1, 1]);
    const denoise = (output: Tensor) =>
      new DiscreteDenoiser(new Recorder(output), facts).denoise(noisy, sigma);
    expect(relativeError(denoise(wide), denoise(value("predictions/output")))).toBe(0);
  });
});

describe("schedules that are refused", () => {
  it.each([
    [
      { _class_name: "FlowMatchEulerDiscreteScheduler" },
      '"_class_name": FlowMatchEulerDiscreteScheduler is not known',
    ],
    [{ _class_name: "DDPMScheduler", prediction_type: "flow" }, '"prediction_type"'],
    [{ _class_name: "DDPMScheduler", beta_schedule: "laplace" }, '"beta_schedule"'],
    [{ _class_name: "DDPMScheduler", beta_start: "small" }, '"beta_start"'],
    [{ _class_name: "DDPMScheduler", trained_betas: [0.1, -1] }, '"trained_betas.1"'],
    [{ _class_name: "DDPMScheduler", num_train_timesteps: 1 }, '"num_train_timesteps"'],
    [{ _class_name: "UniPCMultistepScheduler", use_flow_sigmas: true }, '"use_flow_sigmas"'],
  ])("%j", (config, problem) => {
    expect(() => describeSchedule(component(config))).toThrow(`scheduler_config.json: ${problem}`);
  });

  it("betas that leave nothing of the data", () => {
    expect(() => noiseLevels({ betas: [1, 1] })).toThrow("betas");
  });
});
