import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, randn, tensor } from "@disback/torch";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Backtracking } from "../../../src/distill/backtrack.js";
import { DenoiserStudent } from "../../../src/distill/denoiser-student.js";
import { Vsd } from "../../../src/distill/objectives/vsd.js";
import { record } from "../../../src/distill/record.js";
import { StepsPerTarget } from "../../../src/distill/target-schedule.js";
import type { LowRankDenoiser } from "../../../src/models/adapters/low-rank-denoiser.js";
import { createDenoiser, parseDenoiserConfig } from "../../../src/models/config.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-objectives-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("vsd trains adapters beside the teacher, which stays as it was, and goes along a trajectory of them", () => {
  const config = parseDenoiserConfig({ network: "mlp", dimension: 2, hiddenChannels: 16, blocks: 1 });
  const network = (seed: number) => createDenoiser(config, { generator: new Generator(seed) });
  const teacher = network(1);
  const weights = () => teacher.parameters().map((weight) => weight.data());
  const before = weights();
  const make = (student = new DenoiserStudent(network(2), { sigmaInit: 2.5 })) => {
    const path = { teacher, student, folder: join(folder, `path-${Math.random()}`), steps: 6, nodes: [3, 6] };
    const trajectory = record({ ...path, batchSize: 8, learningRate: 1e-2, rank: 2 });
    const start = trajectory.nodes.length;
    const node = teacher.clone();
    trajectory.loadInto(node, start);
    const work = new Backtracking({
      ...{ teacher, student, trajectory, schedule: new StepsPerTarget(2), batchSize: 8, iterations: 6 },
      objective: new Vsd({ rank: 2 }),
    });
    return { work, node };
  };
  const { work, node } = make();
  const auxiliary = (work as unknown as { auxiliary: LowRankDenoiser }).auxiliary;
  // The most degraded node was made of adapters of this rank: the auxiliary model is that node.
  const x = randn([5, 2], { generator: new Generator(3) });
  const sigma = tensor([0.1, 0.5, 1, 2, 4]);
  expect(auxiliary.denoise(x, sigma).sub(node.denoise(x, sigma)).abs().max().item()).toBeLessThan(1e-5);
  while (!work.finished) work.step();
  expect(weights()).toEqual(before);

  const first = make().work;
  for (let i = 0; i < 3; i++) first.step();
  const second = make().work;
  second.loadState(first.state());
  while (!second.finished) second.step();
  const end = ({ average }: Backtracking) => average.module.parameters().map((weight) => weight.data());
  expect(end(second)).toEqual(end(work));
});
