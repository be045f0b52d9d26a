import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cat, fromTypedArray, Generator, ops, randn, type Tensor } from "@disback/torch";
import { afterEach, describe, expect, it } from "vitest";
import { conditionSourceOf } from "../../src/distill/condition-source.js";
import { createDenoiser, parseDenoiserConfig } from "../../src/models/config.js";
import { requireFacts, requireSameKind } from "../../src/models/facts.js";
import { jointConfig, jointStart } from "../../src/models/tasks/joint-network.js";
import { loadTasks, saveTasks } from "../../src/models/tasks/storage.js";
import { TaskDenoiser } from "../../src/models/tasks/task-denoiser.js";

const point = { network: "mlp", dimension: 2, hiddenChannels: 8, blocks: 1 } as const;
const configs = {
  shapes: parseDenoiserConfig({
    ...point,
    labelDim: 2,
    classNames: ["ring", "grid"],
    sigmaData: 0.5,
    sigmaMax: 80,
  }),
  moons: parseDenoiserConfig({ ...point, hiddenChannels: 12, sigmaData: 1, sigmaMax: 40 }),
};
const named = Object.entries(configs).map(([name, model]) => ({ name, model }));
const teachers = () =>
  named.map(({ name, model }, seed) => ({
    name,
    denoiser: createDenoiser(model, { generator: new Generator(seed) }).eval(),
  }));
const oneHot = (classes: number[], size: number) =>
  ops.one_hot(fromTypedArray(BigInt64Array.from(classes, BigInt), [classes.length]), size).float();

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});
function folder(): string {
  folders.push(mkdtempSync(join(tmpdir(), "disback-tasks-")));
  return folders.at(-1)!;
}

describe("several teachers as one", () => {
  const x = randn([5, 2], { generator: new Generator(7) });
  const sigma = fromTypedArray(Float32Array.of(0.1, 0.5, 1, 2, 10), [5]);

  it("asks the teacher of each sample's task", () => {
    const own = teachers();
    const joint = new TaskDenoiser(own);
    const classes = [2, 0, 1, 2, 0];
    const rows = classes.map((label, row) => {
      const [one, level] = [x.narrow(0, row, 1), sigma.narrow(0, row, 1)];
      return label === 2
        ? own[1]!.denoiser.denoise(one, level)
        : own[0]!.denoiser.denoise(one, level, { class: oneHot([label], 2) });
    });
    const together = joint.denoise(x, sigma, { class: oneHot(classes, 3) });
    expect(distance(together, cat(rows))).toBeLessThan(1e-6);
    // One level and one class for all.
    const all = joint.denoise(x, sigma.narrow(0, 2, 1), { class: oneHot([2], 3) });
    const alone = own[1]!.denoiser.denoise(x, sigma.narrow(0, 2, 1));
    expect(distance(all, alone)).toBeLessThan(1e-6);
  });

  it("gives each teacher the gradient of its own samples", () => {
    const joint = new TaskDenoiser(teachers());
    joint
      .denoise(x, sigma, { class: oneHot([0, 1, 1, 0, 0], 3) })
      .sum()
      .backward();
    const gradients = [...joint.tasks].map((task) =>
      task.parameters().some(({ grad }) => grad !== undefined),
    );
    expect(gradients).toEqual([true, false]);
  });

  it("has the facts of all", () => {
    const { facts, sigmaMax } = new TaskDenoiser(teachers());
    expect(facts).toEqual({
      sampleShape: [2],
      sigmaData: Math.sqrt((0.25 + 1) / 2),
      condition: { class: [3] },
      classNames: ["shapes/ring", "shapes/grid", "moons"],
      tasks: { shapes: 2, moons: 1 },
    });
    expect(sigmaMax).toBe(40);
  });

  it("draws tasks equally often in training", () => {
    const source = conditionSourceOf(new TaskDenoiser(teachers()).facts, "cpu");
    const { class: drawn } = source.draw(4000, new Generator(1))!;
    const [ring, grid, moons] = drawn!.mean([0]).toArray() as number[];
    expect(Math.abs(moons! - 0.5)).toBeLessThan(0.03);
    expect(Math.abs(ring! - 0.25)).toBeLessThan(0.03);
    expect(Math.abs(grid! - 0.25)).toBeLessThan(0.03);
  });

  it("draws the same conditions in any number of processes", () => {
    const source = conditionSourceOf(new TaskDenoiser(teachers()).facts, "cpu");
    const drawn = (count: number, generator: Generator) => source.draw(count, generator)!.class!;
    const parts = [0, 1].map((index) => drawn(4, new Generator(1, "cpu", { share: { index, count: 2 } })));
    expect(distance(cat(parts), drawn(8, new Generator(1)))).toBe(0);
  });

  it("comes back from its folder", () => {
    const joint = new TaskDenoiser(teachers());
    const at = folder();
    saveTasks(at, joint, named);
    const { denoiser, tasks } = loadTasks(at);
    expect(tasks).toEqual(named);
    const condition = { class: oneHot([0, 1, 2, 0, 1], 3) };
    expect(distance(denoiser.denoise(x, sigma, condition), joint.denoise(x, sigma, condition))).toBe(0);
  });

  it("makes one network with the first teacher's weights", () => {
    const own = teachers();
    const joint = new TaskDenoiser(own);
    const { denoiser, config } = jointStart(joint, jointConfig(joint, named), 0);
    expect(denoiser.facts).toEqual({ ...joint.facts, sigmaData: 0.5 });
    expect(config.tasks).toEqual({ shapes: 2, moons: 1 });
    const first = own[0]!.denoiser.stateDict();
    const equal = [...denoiser.stateDict()].filter(([key, tensor]) => {
      const other = first.get(key)!;
      return other.shape.join() === tensor.shape.join() && ops.equal(other, tensor);
    });
    expect(equal.length).toBe(first.size - 1);
  });

  it.each([
    [
      "another shape",
      () => [...teachers(), { name: "space", denoiser: createDenoiser({ ...point, dimension: 3 }) }],
      "space: makes samples of shape [3], shapes [2]",
    ],
    ["a name twice", () => [...teachers(), teachers()[0]!], "shapes: two tasks have this name"],
  ])("refuses %s", (_, given, message) => {
    expect(() => new TaskDenoiser(given())).toThrow(message);
  });

  it("refuses samples of no task, or of two", () => {
    const joint = new TaskDenoiser(teachers());
    expect(() => joint.denoise(x, sigma)).toThrow("one of the tasks must be chosen: shapes, moons");
    expect(() => joint.denoise(x, sigma, { class: oneHot([0, 1, 2, 0, 1], 3).mul(0) })).toThrow(
      "one task's class",
    );
    expect(() => joint.denoise(x, sigma, { class: oneHot([0], 2) })).toThrow(
      "expected class [N, 3], got [1, 2]",
    );
    const two = oneHot([0], 3).add(oneHot([2], 3));
    expect(() => joint.denoise(x, sigma, { class: two })).toThrow("of no other");
  });

  it("refuses a student that knows other tasks", () => {
    const { facts } = new TaskDenoiser(teachers());
    const { tasks: _, ...without } = facts;
    expect(() => requireSameKind(without, facts)).toThrow(
      "student: knows no tasks, the teacher tasks shapes [2], moons [1]",
    );
    expect(() => requireFacts({ ...facts, tasks: { shapes: 2 } }, "mine.mjs")).toThrow(
      "mine.mjs: facts.tasks",
    );
    expect(requireFacts(facts, "mine.mjs")).toEqual(facts);
  });

  it("refuses a folder whose classes do not add up", () => {
    const at = folder();
    saveTasks(at, new TaskDenoiser(teachers()), named);
    const file = join(at, "config.json");
    writeFileSync(file, readFileSync(file, "utf8").replace('"labelDim": 2', '"labelDim": 3'));
    expect(() => loadTasks(at)).toThrow(
      "config.json: tasks.0.model.classNames: has 2 names, but labelDim is 3",
    );
    expect(() => parseDenoiserConfig({ ...point, labelDim: 3, tasks: { a: 1, b: 1 } })).toThrow(
      "tasks: have 2 classes, but labelDim is 3",
    );
  });
});

function distance(a: Tensor, b: Tensor): number {
  return a.sub(b).abs().max().item();
}
