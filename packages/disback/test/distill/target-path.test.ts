import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TargetPath, type TargetPathOptions } from "../../src/distill/target-path.js";
import { Trajectory } from "../../src/distill/trajectory.js";
import { GaussianDenoiser } from "./gaussian.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-target-path-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const teacher = new GaussianDenoiser([0, 0]);

/** The teacher at 0, nodes at 4, 6 and 10 on the first axis. */
function path(options?: TargetPathOptions): TargetPath<GaussianDenoiser> {
  const trajectory = Trajectory.create(join(folder, "path"), teacher, {});
  [4, 6, 10].forEach((place, k) => {
    trajectory.append(new GaussianDenoiser([place, 1]), { step: k + 1, distance: 1, loss: 1 });
  });
  return new TargetPath(teacher, trajectory, options);
}

/** Positions and first weights of the targets, in order. */
function walk(targets: TargetPath<GaussianDenoiser>): [position: number, weight: number][] {
  const seen: [number, number][] = [];
  for (let k = 0; k < 20; k++) {
    seen.push([targets.position, targets.current.point[0]!]);
    if (targets.position === 0) break;
    targets.advanceIf(() => true);
  }
  return seen;
}

test("without interpolation the targets are the nodes, the last one left out, and the teacher", () => {
  expect(walk(path())).toEqual([
    [2, 6],
    [1, 4],
    [0, 0],
  ]);
});

test("with interpolation there are targets in between, evenly spaced in the weights", () => {
  expect(walk(path({ interpolation: 1 }))).toEqual([
    [2, 6],
    [1.5, 5],
    [1, 4],
    [0.5, 2],
    [0, 0],
  ]);
});

test("only the start: the auxiliary model is the last node, the target is the teacher at once", () => {
  const targets = path({ use: "start" });
  expect(walk(targets)).toEqual([[0, 0]]);
  expect(targets.startOfAuxiliary(undefined, 0).point).toEqual([10, 1]);
});

test("only the targets: the auxiliary model starts as the teacher", () => {
  const targets = path({ use: "targets" });
  expect(targets.startOfAuxiliary(undefined, 0).point).toEqual([0, 0]);
  expect(walk(targets)[0]).toEqual([2, 6]);
});

test("a place in between is restored", () => {
  const targets = path({ interpolation: 3 });
  for (let k = 0; k < 3; k++) targets.advanceIf(() => true);
  const again = new TargetPath(teacher, Trajectory.open(join(folder, "path")), { interpolation: 3 });
  again.loadState(targets.state());
  expect(again.position).toBe(1.25);
  expect(again.current.point[0]).toBe(4.5);
  expect(() => again.loadState({ position: 9, steps: 0 })).toThrow("out of range");
});

test("an interpolation that is no count is refused", () => {
  expect(() => path({ interpolation: 0.5 })).toThrow('"interpolation" must be a whole number');
});
