import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keep, memoryStatistics, type State, scope, type Tensor, tensor } from "@disback/torch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NodeRecorder } from "../../src/distill/node-recorder.js";
import type { NodeSelection, RecordingView } from "../../src/distill/node-selection.js";
import { Trajectory } from "../../src/distill/trajectory.js";
import { Processes } from "../../src/training/processes.js";
import { GaussianDenoiser } from "./gaussian.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-node-recorder-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Looks at the path in every step, keeps nodes at the given ones, and holds so many of the last outlines. */
class Looking implements NodeSelection {
  held: Tensor[] = [];
  constructor(
    private readonly steps: number[],
    private readonly holds: number,
    private readonly end = Number.POSITIVE_INFINITY,
  ) {}
  begin(): void {}
  keep(view: RecordingView): boolean {
    this.held = [view.outline(), ...this.held].slice(0, this.holds);
    return this.steps.includes(view.step);
  }
  settled({ step }: RecordingView): boolean {
    return step >= this.end;
  }
  state(): State {
    return { tensors: new Map(this.held.map((one, place) => [`held${place}`, one])), values: {} };
  }
  loadState({ tensors }: State): void {
    this.held = [...tensors.values()];
  }
}

const model = new GaussianDenoiser([0, 0]);
const walkTo = (place: number) => model.mean.detach().copy_(tensor([place, 0]));
/** A model's place is its outline, the distance on the first axis is the distance. */
const path = {
  measure: () => keep(scope(() => model.mean.detach().clone())),
  between: (a: Tensor, b: Tensor) => Math.abs(a.at(0).item() - b.at(0).item()),
  dispose: () => {},
};

function recorder(selection: NodeSelection, name = "path") {
  walkTo(0);
  const trajectory = Trajectory.create(join(folder, name), new GaussianDenoiser([0, 0]), {});
  const recorder = new NodeRecorder(trajectory, selection, path, new Processes(), model);
  const look = (step: number, last = false) => {
    walkTo(step);
    recorder.look({ model, step, loss: 1, last });
  };
  return { recorder, trajectory, look };
}

describe("outlines", () => {
  it.each([0, 1, 3])("that a selection does not hold are released: it holds %i", (holds) => {
    const { recorder: work, look } = recorder(new Looking([5, 12], holds));
    for (let step = 1; step <= 6; step++) scope(() => look(step));
    const alive = [];
    for (let step = 7; step <= 30; step++) {
      scope(() => look(step));
      alive.push(memoryStatistics().tensors);
    }
    expect(new Set(alive.slice(5 + holds))).toHaveLength(1);
    const before = memoryStatistics().tensors;
    scope(() => look(31));
    expect(memoryStatistics().tensors).toBe(before);
    work.dispose();
    // Those held, and the one of the last node, if the selection does not hold that.
    expect(before - memoryStatistics().tensors).toBe(holds + 1);
  });

  it("of a saved state are copies of its own", () => {
    const selection = new Looking([3], 2);
    const { recorder: work, look } = recorder(selection);
    for (let step = 1; step <= 4; step++) look(step);
    const state = work.state();
    const saved = [...state.tensors.values()].map((one) => one.toArray());
    for (let step = 5; step <= 9; step++) look(step);
    const copies = new Map([...state.tensors].map(([key], place) => [key, tensor(saved[place] as number[])]));
    const before = memoryStatistics().tensors;
    work.loadState({ ...state, tensors: copies });
    expect([...work.state().tensors.values()].map((one) => one.toArray())).toEqual(saved);
    // Three copies in place of three outlines.
    expect(memoryStatistics().tensors).toBe(before);
    for (const one of copies.values()) one.dispose();
    expect(selection.held.map((one) => one.toArray())).toEqual([
      [4, 0],
      [3, 0],
    ]);
  });
});

describe("nodes", () => {
  it("are saved where the selection says, and at the end, each with the distance from the one before", () => {
    const { trajectory, look } = recorder(new Looking([2, 5], 0));
    for (let step = 1; step <= 9; step++) look(step, step === 9);
    expect(trajectory.nodes.map(({ step, distance }) => [step, distance])).toEqual([
      [2, 2],
      [5, 3],
      [9, 4],
    ]);
  });

  it("end where the selection finds the path settled; a node that is there already is not saved twice", () => {
    const { recorder: work, trajectory, look } = recorder(new Looking([2, 4], 0, 4));
    for (let step = 1; step <= 4; step++) look(step);
    expect(work.ended).toBe(true);
    expect(trajectory.nodes.map(({ step }) => step)).toEqual([2, 4]);
  });
});
