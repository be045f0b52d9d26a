import {
  cat,
  Dropout,
  fromTypedArray,
  Generator,
  Linear,
  randn,
  type State,
  type Tensor,
} from "@disback/torch";
import { describe, expect, it } from "vitest";
import type { Dataset } from "../../src/data/dataset.js";
import { toBatch } from "../../src/data/dataset.js";
import type { Condition } from "../../src/models/condition.js";
import { DenoiserModule } from "../../src/models/denoiser.js";
import { TeacherTraining, type TeacherTrainingOptions } from "../../src/teacher/training.js";

/** Points on two spots, labelled by spot. */
class Spots implements Dataset {
  readonly name = "two spots";
  readonly sampleShape = [2];
  readonly length = 96;
  readonly labelDim = 2;
  private readonly points = randn([96, 2], { generator: new Generator(5) })
    .mul(0.1)
    .data() as Float32Array;

  async read(indices: ArrayLike<number>) {
    const rows = Array.from(indices);
    const samples = rows.flatMap((row) => [
      this.points[2 * row]! + (row % 2 ? 0.5 : -0.5),
      this.points[2 * row + 1]!,
    ]);
    const labels = rows.flatMap((row) => (row % 2 ? [0, 1] : [1, 0]));
    return { samples: Float32Array.from(samples), labels: Float32Array.from(labels) };
  }

  async batch(indices: ArrayLike<number>) {
    return toBatch(await this.read(indices), this);
  }

  async fingerprint() {
    return "spots";
  }
}

/** A small network with dropout. */
class Small extends DenoiserModule {
  readonly facts = { sampleShape: [2], sigmaData: 0.5, condition: { class: [2] } };
  first: Linear;
  last: Linear;
  dropout = new Dropout(0.1);
  calls = 0;

  constructor(seed = 0) {
    super();
    const generator = new Generator(seed);
    this.first = new Linear(5, 16, { generator });
    this.last = new Linear(16, 2, { generator });
  }

  denoise(x: Tensor, sigma: Tensor, condition?: Condition): Tensor {
    const input = cat(
      [x.div(sigma.add(1).reshape([-1, 1])), sigma.log().reshape([-1, 1]), condition!.class!],
      1,
    );
    return this.last.forward(this.dropout.forward(this.first.forward(input).tanh()));
  }
}

const settings = { iterations: 24, batchSize: 32, rampUp: 4, learningRate: 1e-2, averageHalfLife: 200 };
const start = ({ microBatch, ...more }: { microBatch?: number } & Partial<TeacherTrainingOptions> = {}) =>
  new TeacherTraining({
    ...{ denoiser: new Small(), dataset: new Spots(), execution: { seed: 3, microBatch }, ...settings },
    ...more,
  });

/** A state as it comes back from a checkpoint: copies, and values through JSON. */
function saved({ tensors, values }: State): State {
  return {
    tensors: new Map([...tensors].map(([key, tensor]) => [key, tensor.clone()])),
    values: JSON.parse(JSON.stringify(values)),
  };
}

const bytesOf = (state: State) =>
  Object.fromEntries(
    [...state.tensors].map(([key, tensor]) => [key, Buffer.from(tensor.bytes()).toString("hex")]),
  );

describe("TeacherTraining", () => {
  it("goes on bit for bit after its state was saved and restored in another training", async () => {
    const whole = start();
    for (let step = 0; step < 7; step++) await whole.step();
    const state = saved(whole.state());
    const resumed = start({ denoiser: new Small(99) });
    resumed.loadState(state);
    expect(resumed.iteration).toBe(7);
    const losses: [number, number][] = [];
    while (!whole.finished) losses.push([(await whole.step()).loss, (await resumed.step()).loss]);
    for (const [expected, actual] of losses) expect(actual).toBe(expected);
    expect(resumed.finished).toBe(true);
    expect(bytesOf(resumed.state())).toEqual(bytesOf(whole.state()));
    expect(resumed.state().values).toEqual(whole.state().values);
  });

  it("lowers the loss", async () => {
    const training = start({ iterations: 300 });
    const losses: number[] = [];
    while (!training.finished) losses.push((await training.step()).loss);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(losses.slice(-50))).toBeLessThan(0.6 * mean(losses.slice(0, 50)));
  });

  it("moves the average as EDM does: half-life limited by a ramp-up", async () => {
    const denoiser = new Small();
    const training = start({ denoiser, averageHalfLife: 100, averageRampUp: 0.05 });
    let expected = denoiser.last.bias!.clone();
    for (let step = 1; step <= 10; step++) {
      await training.step();
      const halfLife = Math.min(100, 0.05 * (step - 1) * 32);
      const beta = 0.5 ** (32 / Math.max(halfLife, 1e-8));
      expected = expected.mul(beta).add(denoiser.last.bias!.detach().mul(1 - beta));
    }
    const average = training.average as Small;
    expect(average.training).toBe(false);
    expect(average.last.bias!.sub(expected).abs().max().item()).toBeLessThan(1e-6);
  });

  it("uses the scheduled learning rate", async () => {
    const training = start({ decay: "constant" });
    const rates: number[] = [];
    for (let step = 0; step < 5; step++) rates.push((await training.step()).learningRate);
    expect(rates).toEqual([0.25e-2, 0.5e-2, 0.75e-2, 1e-2, 1e-2]);
  });

  it("survives a step without a finite gradient", async () => {
    class Broken extends Small {
      override denoise(x: Tensor, sigma: Tensor, condition?: Condition): Tensor {
        const value = super.denoise(x, sigma, condition);
        return this.calls++ === 2 ? value.mul(fromTypedArray(Float32Array.of(Number.NaN), [1])) : value;
      }
    }
    const training = start({ denoiser: new Broken() });
    const finite: boolean[] = [];
    for (let step = 0; step < 5; step++) finite.push(Number.isFinite((await training.step()).loss));
    expect(finite).toEqual([true, true, false, true, true]);
  });

  it("names a setting that is wrong", () => {
    expect(() => start({ learningRate: 0 })).toThrow(/"learningRate"/);
    expect(() => start({ labelDropout: 2 })).toThrow(/"labelDropout"/);
    expect(() => start({ microBatch: 10 })).toThrow(/"microBatch": .* 32 cannot be split .* of 10/);
    expect(() => start({ flip: true })).toThrow(/"flip": two spots holds no images/);
  });
});
