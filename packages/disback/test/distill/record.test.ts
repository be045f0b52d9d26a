import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, memoryStatistics, zeros } from "@disback/torch";
import { afterEach, beforeEach, expect, test } from "vitest";
import { evenSteps, requireNodeSteps } from "../../src/distill/node-schedule.js";
import { EvenDistance } from "../../src/distill/node-selection.js";
import { LogNormal } from "../../src/distill/noise-distribution.js";
import { Recording, record } from "../../src/distill/record.js";
import type { RecordingOptions } from "../../src/distill/recording-options.js";
import { SamplePool } from "../../src/distill/sample-pool.js";
import { teacherSamples } from "../../src/distill/teacher-samples.js";
import { Trajectory } from "../../src/distill/trajectory.js";
import { TrustRegion } from "../../src/distill/trust-region.js";
import { GaussianDenoiser, gaussianStudent, sampleMean } from "./gaussian.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-record-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const options = (name: string) => ({
  teacher: new GaussianDenoiser([1, -1]),
  student: gaussianStudent([-1, 0.5]),
  folder: join(folder, name),
  steps: 120,
  nodes: evenSteps(120, 30) as RecordingOptions["nodes"],
  batchSize: 256,
  learningRate: 0.05,
});

/** What `trajectory.json` says, but for the time. */
function manifestOf(name: string) {
  const manifest = JSON.parse(readFileSync(join(folder, name, "trajectory.json"), "utf8"));
  return { ...manifest, provenance: { ...manifest.provenance, recordedAt: "" } };
}

test("the path leads from the teacher to the student's samples", () => {
  const given = options("path");
  const trajectory = record(given);
  expect(trajectory.nodes.map((node) => node.step)).toEqual([30, 60, 90, 120]);
  const model = new GaussianDenoiser([0, 0]);
  const goal = sampleMean(given.student);
  const away = [1, 2, 3, 4].map((index) => {
    trajectory.loadInto(model, index);
    return Math.hypot(model.point[0]! - goal[0]!, model.point[1]! - goal[1]!);
  });
  const start = Math.hypot(1 - goal[0]!, -1 - goal[1]!);
  expect(away[0]).toBeLessThan(start);
  expect(away[3]).toBeLessThan(0.1 * start);
  expect(trajectory.nodes[0]!.distance).toBeGreaterThan(trajectory.nodes[3]!.distance);
  expect(given.teacher.point).toEqual([1, -1]);
  expect(given.student.module.parameters()[0]!.toArray()).toEqual([-1, 0.5]);
});

test("along samples between the teacher's and the student's, each node fits what lies at its place", () => {
  const given = options("between");
  const pool = teacherSamples(given.teacher, given.student, { count: 2000, seed: 3 });
  const trajectory = record({ ...given, teacherSamples: pool });
  const goal = sampleMean(given.student);
  const model = new GaussianDenoiser([0, 0]);
  for (const [place, { step }] of trajectory.nodes.entries()) {
    trajectory.loadInto(model, place + 1);
    for (const [axis, value] of model.point.entries()) {
      const start = given.teacher.point[axis]!;
      // Adam follows a few steps behind.
      expect(Math.abs(value - (start + (step / 120) * (goal[axis]! - start)))).toBeLessThan(0.2);
    }
  }
  // Without them, the path is done long before its half.
  const usual = record(options("usual"));
  usual.loadInto(model, 2);
  expect(Math.abs(model.point[0]! - goal[0]!)).toBeLessThan(0.4);
  expect(() => record({ ...options("refused"), teacherSamples: pool, nodes: new TrustRegion(4) })).toThrow(
    'recording: "teacherSamples" cannot be used with a trust region',
  );
  const other = new SamplePool({ samples: zeros([4, 3]) });
  expect(() => record({ ...options("other"), teacherSamples: other })).toThrow(
    "recording: the real samples are [3], the student's [2]",
  );
});

test("a recording along the teacher's samples resumes as if it had not been stopped", () => {
  const pool = () => {
    const { teacher, student } = options("");
    return teacherSamples(teacher, student, { count: 200 });
  };
  const whole = record({ ...options("whole"), teacherSamples: pool() });
  const first = new Recording({ ...options("half"), teacherSamples: pool() });
  for (let step = 0; step < 70; step++) first.step();
  const second = new Recording({ ...options("half"), teacherSamples: pool(), resume: true });
  second.loadState(first.state());
  while (!second.finished) second.step();
  expect(second.trajectory.nodes.map(({ distance }) => distance)).toEqual(
    whole.nodes.map(({ distance }) => distance),
  );
});

test("distances between nodes have their closed form", () => {
  // Two Gaussian denoisers differ by sigma^2 (mu_a - mu_b) / (s^2 + sigma^2) wherever they are asked, and
  // lambda = (s^2 + sigma^2) / (s sigma)^2, so that d^2 = E[sigma^2 / (s^2 + sigma^2)] mean((mu_a - mu_b)^2) / s^2,
  // over the noise levels of the probes, which are drawn from a stream of their own: two seeds after the recording's.
  const given = options("distance");
  const execution = { seed: 5 };
  const trajectory = record({ ...given, steps: 10, nodes: [4, 10], storage: { kind: "full" }, execution });
  const levels = Array.from(new LogNormal().sample(64, new Generator(5 + 2)).data() as Float32Array);
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const weight = mean(levels.map((sigma) => sigma ** 2 / (0.25 + sigma ** 2))) / 0.25;
  const model = new GaussianDenoiser([0, 0]);
  let before = given.teacher.point;
  for (const [place, { distance }] of trajectory.nodes.entries()) {
    trajectory.loadInto(model, place + 1);
    const moved = mean(model.point.map((value, axis) => (value - before[axis]!) ** 2));
    expect(moved).toBeGreaterThan(0.01);
    expect(distance / Math.sqrt(weight * moved)).toBeCloseTo(1, 4);
    before = model.point;
  }
});

test("a recording that was interrupted gives the same nodes, bit for bit", () => {
  const whole = record(options("whole"));
  const first = new Recording(options("parts"));
  for (let i = 0; i < 45; i++) first.step();
  const state = first.state();
  const copy = { ...state, tensors: new Map([...state.tensors].map(([key, t]) => [key, t.clone()])) };
  for (let i = 0; i < 40; i++) first.step();
  // As another process would: open what lies in the folder, go on from the checkpoint.
  const second = new Recording({ ...options("parts"), resume: true });
  second.loadState(copy);
  while (!second.finished) second.step();
  expect(second.trajectory.nodes).toEqual(whole.nodes);
  for (const node of whole.nodes)
    expect(readFileSync(join(folder, "parts", node.file))).toEqual(
      readFileSync(join(folder, "whole", node.file)),
    );
  expect(readdirSync(join(folder, "parts")).sort()).toEqual(readdirSync(join(folder, "whole")).sort());
});

test("a trajectory names the rule of its nodes, not the rule's state", () => {
  record({ ...options("steps"), steps: 2, nodes: [1, 2] });
  record({ ...options("distance"), steps: 2, nodes: new EvenDistance() });
  const { nodes: _, ...given } = options("default");
  record({ ...given, steps: 2 });
  const nodes = ["steps", "distance", "default"].map((name) => manifestOf(name).provenance.nodes);
  expect(nodes).toEqual([[1, 2], "even distance", "even distance"]);
});

test("a folder with a trajectory is not overwritten", () => {
  record({ ...options("twice"), steps: 1, nodes: [1] });
  expect(() => new Recording(options("twice"))).toThrow(/already holds a trajectory/);
});

test("manifests that are missing, broken or of another teacher are named", () => {
  expect(() => Trajectory.open(folder)).toThrow(/not a trajectory/);
  const trajectory = record({ ...options("bad"), steps: 2, nodes: [1, 2] });
  expect(() => trajectory.requireTeacher(new GaussianDenoiser([3, 3]))).toThrow(/another teacher/);
  expect(() => trajectory.loadInto(new GaussianDenoiser([0, 0]), 3)).toThrow(/no node 3/);
  expect(() => trajectory.loadInto(new GaussianDenoiser([0, 0, 0]), 1)).toThrow(/mean/);
  const manifest = join(trajectory.folder, "trajectory.json");
  const text = readFileSync(manifest, "utf8");
  writeFileSync(manifest, text.replace("node-000001.safetensors", "../../etc/passwd"));
  expect(() => Trajectory.open(trajectory.folder)).toThrow(/nodes\.0\.file.*plain file name/);
  writeFileSync(manifest, text.slice(0, 50));
  expect(() => Trajectory.open(trajectory.folder)).toThrow(/not valid JSON/);
});

test("node schedules", () => {
  expect(evenSteps(10, 4)).toEqual([4, 8, 10]);
  expect(evenSteps(8, 4)).toEqual([4, 8]);
  expect(() => requireNodeSteps([3, 3], 5)).toThrow(/ascending/);
  expect(() => requireNodeSteps([3, 6], 5)).toThrow(/ascending/);
  expect(() => requireNodeSteps([], 5)).toThrow(/ascending/);
});

test("nodes are evenly spaced in distance, few, and the recording ends by itself", () => {
  const trajectory = record({
    ...options("even"),
    steps: 400,
    nodes: new EvenDistance({ maximum: 6 }),
  });
  const { nodes } = trajectory;
  expect(nodes.length).toBeGreaterThanOrEqual(3);
  expect(nodes.length).toBeLessThanOrEqual(7); // six, and the end
  expect(nodes.at(-1)!.step).toBeLessThan(400);
  // All but the last, which is where the path ended, are one spacing apart.
  const spacings = nodes.slice(0, -1).map((node) => node.distance);
  expect(Math.max(...spacings)).toBeLessThan(2.2 * Math.min(...spacings));
  expect(readdirSync(trajectory.folder).filter((file) => file.startsWith("node-"))).toHaveLength(
    nodes.length,
  );
  const goal = sampleMean(options("unused").student);
  const model = new GaussianDenoiser([0, 0]);
  trajectory.loadInto(model, nodes.length);
  expect(Math.hypot(model.point[0]! - goal[0]!, model.point[1]! - goal[1]!)).toBeLessThan(0.6);
});

test("outlines that nobody holds are released while recording", () => {
  const recording = new Recording({
    ...options("flat"),
    steps: 200,
    nodes: new EvenDistance({ maximum: 4, settledShare: 1e-6 }),
  });
  const alive: number[] = [];
  while (!recording.finished) {
    recording.step();
    alive.push(memoryStatistics().tensors);
  }
  // The selection holds at most three outlines: the teacher's, the last node's and its mark. The third step is captured.
  expect(Math.max(...alive.slice(3)) - Math.min(...alive.slice(3))).toBeLessThanOrEqual(3);
  const state = recording.state();
  const before = memoryStatistics().tensors;
  recording.loadState(state);
  expect(memoryStatistics().tensors).toBeLessThanOrEqual(before);
  recording.dispose();
  // All outlines, the probes' three tensors, the degraded model's weight and what Adam remembers of it.
  expect(memoryStatistics().tensors).toBeLessThanOrEqual(before - 8);
});

test("an adaptive recording that was interrupted gives the same nodes, bit for bit", () => {
  const adaptive = (name: string) => ({
    ...options(name),
    steps: 400,
    nodes: new EvenDistance({ maximum: 4 }),
  });
  const whole = record(adaptive("adaptive"));
  const last = whole.nodes.at(-1)!.step;
  for (const stop of [3, Math.floor(last / 2)]) {
    const name = `adaptive-${stop}`;
    const first = new Recording(adaptive(name));
    for (let i = 0; i < stop; i++) first.step();
    const state = first.state();
    const copy = { ...state, tensors: new Map([...state.tensors].map(([key, t]) => [key, t.clone()])) };
    for (let i = 0; i < last - stop - 2; i++) first.step();
    const second = new Recording({ ...adaptive(name), resume: true });
    second.loadState(copy);
    while (!second.finished) second.step();
    expect(second.trajectory.nodes).toEqual(whole.nodes);
    expect(manifestOf(name)).toEqual(manifestOf("adaptive"));
    const { file } = whole.nodes.at(-1)!;
    expect(readFileSync(join(folder, name, file))).toEqual(readFileSync(join(folder, "adaptive", file)));
  }
});
