import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Generator,
  inferenceMode,
  Linear,
  Module,
  noGrad,
  ops,
  randn,
  type Tensor,
  tensor,
} from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Backtracking, backtrack } from "../../src/distill/backtrack.js";
import { GeneratorStudent } from "../../src/distill/generator-student.js";
import { OutputMatching } from "../../src/distill/objectives/output-matching.js";
import { OutputFit } from "../../src/distill/output-fit.js";
import { record } from "../../src/distill/record.js";
import { createGenerator } from "../../src/models/generators/create-generator.js";

let base: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-outputs-"));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const facts = { sampleShape: [2], sigmaData: 1, condition: {} };

/** y = W z */
class Line extends Module {
  readonly latentShape = [2];
  readonly map = new Linear(2, 2, { bias: false, generator: new Generator(0) });
  constructor(weights: number[][]) {
    super();
    noGrad(() => this.map.weight.copy_(tensor(weights)));
  }
  generate(latents: Tensor): Tensor {
    return this.map.forward(latents);
  }
}
const teacherOf = () =>
  new Line([
    [1, 0.5],
    [-0.5, 1],
  ]);
const studentOf = () =>
  new GeneratorStudent(
    new Line([
      [-1, 0],
      [0, -2],
    ]),
    { facts },
  );

describe("fitting to outputs at the same latents", () => {
  it("is the mean squared difference", () => {
    const latents = tensor([
      [1, 0],
      [0, 2],
    ]);
    const samples = tensor([
      [0, 0],
      [1, 1],
    ]);
    // (1, -0.5) against (0, 0), (1, 2) against (1, 1)
    const loss = new OutputFit().loss(teacherOf(), { samples, latents, condition: undefined });
    expect(loss.item()).toBeCloseTo((1 + 0.25 + 0 + 1) / 4, 6);
  });

  it("records the way from the teacher's mapping to the student's, and walks it back", () => {
    const [teacher, student] = [teacherOf(), studentOf()];
    const trajectory = record({
      ...{ teacher, student, folder: join(base, "line"), fit: new OutputFit() },
      ...{ steps: 200, learningRate: 0.05, batchSize: 64 },
    });
    const end = teacherOf();
    trajectory.requireTeacher(teacher);
    trajectory.loadInto(end, trajectory.nodes.length);
    // Adam with a rate of 0.05 circles about the end.
    expect(
      end.map.weight
        .sub((student.module as Line).map.weight)
        .abs()
        .max()
        .item(),
    ).toBeLessThan(0.15);
    const losses = trajectory.nodes.map(({ loss }) => loss);
    expect(losses).toEqual([...losses].sort((a, b) => b - a));
    const result = backtrack({
      ...{ teacher, student, trajectory, objective: new OutputMatching() },
      ...{ iterations: 300, studentLearningRate: 0.05, batchSize: 64, emaDecay: 0.9 },
    });
    const learned = (result.module as Line).map.weight;
    expect(learned.sub(teacher.map.weight).abs().max().item()).toBeLessThan(0.1);
  });
});

describe("latents of one's own", () => {
  it("are drawn as told, also by the student's average", () => {
    const drawLatents = (count: number) => randn([count, 2]).mul(0).add(3);
    const student = new GeneratorStudent(
      new Line([
        [1, 0],
        [0, 1],
      ]),
      { facts, drawLatents },
    );
    const averaged = student.withModule(
      new Line([
        [1, 0],
        [0, 1],
      ]),
    );
    expect(averaged.latents(2, new Generator(0)).toArray()).toEqual([
      [3, 3],
      [3, 3],
    ]);
  });
});

const picture = {
  network: "dcgan",
  latentSize: 3,
  modelChannels: 4,
  imageResolution: 8,
  imageChannels: 1,
} as const;
const made = (seed: number) => createGenerator(picture, { generator: new Generator(seed) });

describe("the adversarial term", () => {
  const training = (iterations: number) => {
    const [teacher, module] = [made(1).eval(), made(2)];
    const objective = new OutputMatching({
      squaresWeight: 0,
      adversarialWeight: 1,
      discriminatorChannels: 4,
    });
    const student = new GeneratorStudent(module, { facts: module.facts });
    return new Backtracking({
      teacher,
      student,
      objective,
      iterations,
      batchSize: 8,
      auxiliaryLearningRate: 1e-3,
    });
  };

  it("starts near ln 2, keeps its discriminator in checkpoints, and no copy of the teacher", () => {
    const whole = training(4);
    expect(Object.keys(whole.networks)).toEqual(["student", "target"]);
    expect(whole.step().adversarial).toBeCloseTo(Math.log(2), 1);
    whole.step();
    const state = whole.state();
    const saved = {
      ...state,
      tensors: new Map([...state.tensors].map(([key, value]) => [key, value.clone()])),
    };
    const resumed = training(4);
    resumed.loadState(saved);
    for (const each of [whole, resumed]) while (!each.finished) each.step();
    const weights = (of: typeof whole) =>
      [...of.average.module.stateDict().values()].map((value) => value.toArray());
    expect(weights(resumed)).toEqual(weights(whole));
  });

  it("moves the student's pictures towards the target's, without any squares", () => {
    const work = training(150);
    const brightness = (module: Module) =>
      inferenceMode(() =>
        (module.eval() as ReturnType<typeof made>)
          .generate(randn([64, 3], { generator: new Generator(9) }))
          .mean([0]),
      );
    const wanted = brightness(made(1));
    const distance = (module: Module) => ops.mse_loss(brightness(module), wanted).item();
    const before = distance(work.average.module);
    while (!work.finished) work.step();
    expect(distance(work.result().module)).toBeLessThan(before);
  });

  it.each<[object, string]>([
    [{ squaresWeight: 0 }, 'output-matching: one of "squaresWeight" and "adversarialWeight" must be above 0'],
    [{ adversarialWeight: -1 }, 'output-matching: "adversarialWeight" must be at least 0, not -1'],
  ])("refuses %j", (options, problem) => {
    expect(() => new OutputMatching(options)).toThrow(problem);
  });

  it("refuses outputs that are no pictures", () => {
    const options = {
      teacher: teacherOf(),
      student: studentOf(),
      objective: new OutputMatching({ adversarialWeight: 1 }),
    };
    expect(() => new Backtracking(options)).toThrow('"adversarialWeight" needs outputs that are pictures');
  });
});
