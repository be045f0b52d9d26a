import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromTypedArray, type State, stateNumber, stateTensor } from "@disback/torch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { latestCheckpoint, listCheckpoints } from "../../src/runs/checkpoint.js";
import { DivergenceWatch } from "../../src/runs/divergence.js";
import { Interruption } from "../../src/runs/interruption.js";
import { type Figures, type Progress, silent } from "../../src/runs/progress.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { describeEnvironment, RUN_FORMAT } from "../../src/runs/run-record.js";
import { Diverged, type Stage, type Trainable } from "../../src/runs/stage.js";
import { runStage } from "../../src/runs/stage-loop.js";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "disback-divergence-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** A weight that grows by the learning rate at every step, and figures that a test decides on. */
class Toy implements Trainable {
  iteration = 0;
  rate = 1;
  weight = 0;
  constructor(
    private readonly figuresAt: (iteration: number, rate: number) => Figures,
    private readonly end = 40,
  ) {}

  get finished() {
    return this.iteration >= this.end;
  }
  step() {
    this.iteration++;
    this.weight += this.rate;
    return this.figuresAt(this.iteration, this.rate);
  }
  scaleLearningRate(factor: number) {
    this.rate *= factor;
  }
  state(): State {
    const { iteration, rate } = this;
    return {
      tensors: new Map([["weight", fromTypedArray(new Float64Array([this.weight]), [1])]]),
      values: { iteration, rate },
    };
  }
  loadState(state: State) {
    this.iteration = stateNumber(state, "iteration");
    this.rate = stateNumber(state, "rate");
    [this.weight] = stateTensor(state, "weight").toArray() as number[];
  }
}

interface Options {
  action?: "rollback" | "stop";
  judge?: (iteration: number) => Figures;
  notices?: string[];
  name?: string;
}

function open(name: string): RunFolder {
  return RunFolder.create(join(base, name), {
    format: RUN_FORMAT,
    command: "distill",
    settings: {},
    seed: 0,
    ...describeEnvironment("0", "0"),
    startedAt: "2026-01-01T00:00:00.000Z",
    state: "running",
  });
}

async function train(work: Toy, run: RunFolder, options: Options = {}, resume = false): Promise<void> {
  using interruption = new Interruption(() => {});
  const progress: Progress = { ...silent, notice: (line) => options.notices?.push(line) };
  const stage: Stage = {
    name: "backtrack",
    label: "backtracking",
    work,
    iterations: 40,
    imagesPerIteration: 1,
    evaluateEvery: 10,
    sigmaData: 0.5,
    ...(options.judge ? { evaluate: options.judge } : {}),
    examine: () => "student: estimates not finite at noise levels 0.5 to 80",
  };
  const checkpoint = resume ? await latestCheckpoint(run.path, () => {}) : undefined;
  await runStage(
    stage,
    {
      run,
      progress,
      interruption,
      checkpoints: { every: 6, keepLast: 2 },
      divergence: { action: options.action ?? "rollback", factor: 0.5 },
      iterationsBefore: 0,
      secondsBefore: 0,
    },
    checkpoint,
  );
}

describe("a run whose numbers go wrong", () => {
  // At the full rate NaN from iteration 25 on; at half of it nothing is wrong.
  const nanAtFullRate = (iteration: number, rate: number) => ({
    loss: rate === 1 && iteration >= 25 ? Number.NaN : 1,
  });

  it("goes back to the last sound checkpoint, once, with a lower learning rate, and says so", async () => {
    const notices: string[] = [];
    const work = new Toy(nanAtFullRate);
    const run = open("a");
    await train(work, run, { notices });
    // The last evaluation that passed was at 20, the newest checkpoint no younger is that of 18.
    expect(work.weight).toBe(18 + 22 * 0.5);
    expect(notices).toEqual([
      "backtracking, iteration 25: loss became NaN (student: estimates not finite at noise levels 0.5 to 80); going on from iteration 18 with 0.5 times the learning rate",
    ]);
    const { rollBacks } = JSON.parse(readFileSync(run.file("run.json"), "utf8"));
    expect(rollBacks).toMatchObject([{ stage: "backtrack", iteration: 25, to: 18, factor: 0.5 }]);
    expect(run.metrics.read().map(({ iteration }) => iteration)).toEqual([10, 20, 30, 40]);
  });

  it("a loss that is large from the first step on, as a regression's on large pictures, is none", async () => {
    const falling = new Toy((iteration) => ({ loss: 700 / iteration ** 0.1 }));
    await train(falling, open("large"));
    expect(falling.iteration).toBe(40);
    const growing = new Toy((iteration) => ({ loss: 700 * 1.4 ** iteration }));
    await expect(train(growing, open("growing"), { action: "stop" })).rejects.toThrow("loss exploded to");
  });

  it("ends the same, killed and resumed anywhere", async () => {
    // Before the first evaluation, between two checkpoints, at the step that goes wrong, after the roll-back, near the end.
    for (const killedAfter of [4, 22, 25, 26, 31, 45]) {
      let steps = 0;
      const dying = new Toy((iteration, rate) => {
        if (++steps === killedAfter) throw new Error("killed");
        return nanAtFullRate(iteration, rate);
      });
      const run = open(`killed-${killedAfter}`);
      await expect(train(dying, run)).rejects.toThrow("killed");
      const work = new Toy(nanAtFullRate);
      await train(work, run, {}, true);
      expect([killedAfter, work.weight, work.rate]).toEqual([killedAfter, 29, 0.5]);
    }
  });

  it("goes back to the very start when nothing was evaluated yet", async () => {
    const work = new Toy((iteration, rate) => ({ loss: rate === 1 && iteration === 5 ? Number.NaN : 1 }));
    await train(work, open("a"));
    expect(work.weight).toBe(20);
  });

  it("stops the second time, and the sound checkpoint stays", async () => {
    const work = new Toy((iteration) => ({ loss: iteration >= 25 ? Number.POSITIVE_INFINITY : 1 }));
    const run = open("a");
    const failure = train(work, run);
    await expect(failure).rejects.toThrow(Diverged);
    await expect(failure).rejects.toThrow(
      /iteration 25: loss became Infinity \(student: .*\); it was already rolled back at iteration 25/,
    );
    expect(listCheckpoints(run.path)).toContain(18);
  });

  it("stops at once when it is to stop", async () => {
    const work = new Toy(nanAtFullRate);
    const run = open("a");
    await expect(train(work, run, { action: "stop" })).rejects.toThrow(/iteration 25: loss became NaN/);
    expect(run.record.rollBacks).toBeUndefined();
  });

  it("is caught by its evaluation: samples all alike, or no longer finite", async () => {
    for (const spread of [1e-3, Number.NaN]) {
      const work = new Toy(() => ({ loss: 1 }));
      const judge = (iteration: number) => ({ spread: iteration === 30 && work.rate === 1 ? spread : 0.5 });
      const run = open(`spread-${spread}`);
      await train(work, run, { judge });
      expect(run.record.rollBacks).toMatchObject([{ iteration: 30, to: 18 }]);
    }
  });
});

describe("what counts as wrong", () => {
  const watch = (sigmaData = 0.5) => new DivergenceWatch(sigmaData);
  const after = (steps: number, one = watch()) => {
    for (let step = 0; step < steps; step++) one.step({});
    return one;
  };

  it("a loss a hundred times what it was, and at least 100", () => {
    const one = watch();
    expect(one.evaluation({ loss: 0.2 }, {})).toBeUndefined();
    expect(one.evaluation({ loss: 99 }, {})).toBeUndefined();
    expect(one.evaluation({ loss: 101 }, {})).toBe("loss exploded to 101");
    const high = watch();
    expect(high.evaluation({ loss: 50 }, {})).toBeUndefined();
    expect(high.evaluation({ loss: 4000 }, {})).toBeUndefined();
    expect(high.evaluation({ loss: 5001 }, {})).toMatch(/exploded/);
  });

  it("gradients that grew a thousandfold, once there were some", () => {
    const one = after(5);
    expect(one.evaluation({ gradientNorm: 1e-9 }, {})).toBeUndefined();
    expect(one.evaluation({ gradientNorm: 1 }, {})).toBeUndefined();
    after(5, one);
    expect(one.evaluation({ gradientNorm: 900 }, {})).toBeUndefined();
    expect(one.evaluation({ gradientNorm: 1e6 }, {})).toBe("gradientNorm exploded from 900 to 1.00e+6");
    const zero = after(50);
    expect(zero.evaluation({ auxiliaryGradientNorm: 0 }, {})).toBeUndefined();
    expect(zero.evaluation({ auxiliaryGradientNorm: 1 }, {})).toBeUndefined();
  });

  it("samples all alike, unless they were from the start; samples far outside the data", () => {
    const one = watch();
    expect(one.evaluation({}, { spread: 0.1 })).toBeUndefined();
    expect(one.evaluation({}, { spread: 0.006 })).toBeUndefined();
    expect(one.evaluation({}, { spread: 0.004 })).toMatch(
      /^samples collapsed: .* 0.00400, that of the data 0.5$/,
    );
    expect(one.evaluation({}, { spread: 51 })).toMatch(/^samples ran away/);
    const small = watch();
    expect(small.evaluation({}, { spread: 0.004 })).toBeUndefined();
    expect(small.evaluation({}, { spread: 0.003 })).toBeUndefined();
    expect(small.evaluation({}, { spread: 0 })).toMatch(/collapsed/);
  });

  it("goes on from a saved state", () => {
    const one = after(20);
    one.evaluation({ loss: 1, gradientNorm: 1 }, { spread: 1 });
    const other = watch();
    other.load(JSON.parse(JSON.stringify(one.state())));
    expect(other.evaluation({ gradientNorm: 2000 }, {})).toMatch(/exploded/);
    expect(other.evaluation({}, { spread: 1e-3 })).toMatch(/collapsed/);
    expect(() => other.load({ steps: "many" })).toThrow();
  });
});
