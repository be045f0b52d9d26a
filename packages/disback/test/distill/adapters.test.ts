import { mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, type Module, randn, scope, type Tensor, tensor, writeSafetensors } from "@disback/torch";
import { expect, test } from "vitest";
import { adaptersOn } from "../../src/distill/adapter-nodes.js";
import { Backtracking } from "../../src/distill/backtrack.js";
import { sameWeights } from "../../src/distill/decide.js";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import type { Objective } from "../../src/distill/objective.js";
import { Dmd } from "../../src/distill/objectives/dmd.js";
import { Dmd2 } from "../../src/distill/objectives/dmd2.js";
import { Sid } from "../../src/distill/objectives/sid.js";
import { Vsd } from "../../src/distill/objectives/vsd.js";
import { record } from "../../src/distill/record.js";
import { SamplePool } from "../../src/distill/sample-pool.js";
import type { Trajectory } from "../../src/distill/trajectory.js";
import { LowRankDenoiser } from "../../src/models/adapters/low-rank-denoiser.js";
import { type BasePlace, streamBase } from "../../src/models/adapters/streamed-base.js";
import { computing } from "../../src/models/computation.js";
import { createDenoiser } from "../../src/models/config.js";
import type { DenoiserModule } from "../../src/models/denoiser.js";
import { fingerprint, keepingFingerprint } from "../../src/training/hashing.js";

const folder = mkdtempSync(join(tmpdir(), "adapters-"));
let folders = 0;

function network(): DenoiserModule {
  return createDenoiser(
    {
      ...{ network: "song-unet", imageResolution: 8, imageChannels: 1, modelChannels: 16 },
      ...{ channelMultipliers: [1, 2], blocksPerResolution: 1, attentionResolutions: [4], dropout: 0 },
    },
    { generator: new Generator(1) },
  ).eval();
}

function student(teacher: DenoiserModule, rank = 3, laterSigmas: number[] = []) {
  return new DenoiserStudent(adaptersOn(teacher, { rank }, 5), { sigmaInit: 2.5, laterSigmas });
}

function recorded(teacher: DenoiserModule, of: DenoiserStudent, rank?: number): Trajectory {
  return record({
    ...{ teacher, student: of, rank, folder: join(folder, String(folders++)), learningRate: 1e-2 },
    ...{ steps: 4, nodes: [2, 4], batchSize: 4, probes: 4 },
  });
}

const difference = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item();
const x = randn([3, 1, 8, 8], { generator: new Generator(2) });
const sigma = tensor([0.2, 1, 5]);

test("teacher, student, auxiliary model and nodes share one base, which nothing changes", () => {
  const teacher = network();
  const before = fingerprint(teacher);
  const of = student(teacher);
  const trajectory = recorded(teacher, of);
  expect(trajectory.storage).toEqual({ kind: "adapters", rank: 3, layers: "all" });
  const work = new Backtracking({
    ...{ teacher, student: of, trajectory, batchSize: 4, iterations: 4, emaDecay: 0.5 },
  });
  while (!work.finished) scope(() => work.step());
  for (const model of [...Object.values(work.networks), work.average.module, work.result().module])
    expect((model as LowRankDenoiser).base ?? model, "base").toBe(teacher);
  expect(fingerprint(teacher)).toBe(before);
  expect(teacher.parameters().some((weight) => weight.grad || weight.requiresGrad)).toBe(false);
  expect(difference(of.module.denoise(x, sigma), teacher.denoise(x, sigma))).toBeGreaterThan(1e-4);
});

test("a node on disk is as large as its adapters", () => {
  const teacher = network();
  const trajectory = recorded(teacher, student(teacher));
  const numbers = (module: Module) => module.parameters().reduce((sum, { numel }) => sum + numel, 0);
  const bytes = statSync(join(trajectory.folder, trajectory.nodes[0]!.file)).size;
  const tensors = numbers(student(teacher).module) * 4;
  expect(bytes).toBeGreaterThan(tensors);
  // The rest is the file's header.
  expect(bytes - tensors).toBeLessThan(10_000);
  expect(tensors).toBeLessThan(numbers(teacher) * 4 * 0.5);
});

test("a node is the same as adapters, and merged into a copy of the teacher", () => {
  const teacher = network();
  const trajectory = recorded(teacher, student(teacher));
  const [adapters, copy] = [trajectory.blankNode(teacher), teacher.clone()];
  trajectory.loadInto(adapters, 2);
  trajectory.loadInto(copy, 2);
  expect(adapters).toBeInstanceOf(LowRankDenoiser);
  expect(difference(adapters.denoise(x, sigma), copy.denoise(x, sigma))).toBeLessThan(1e-5);
  expect(difference(copy.denoise(x, sigma), teacher.denoise(x, sigma))).toBeGreaterThan(1e-3);
});

test("an auxiliary model of a larger rank starts at the same estimates", () => {
  const teacher = network();
  const trajectory = recorded(teacher, student(teacher), 2);
  const node = trajectory.blankNode(teacher);
  trajectory.loadInto(node, 2);
  const work = new Backtracking({ teacher, student: student(teacher), trajectory, rank: 3, batchSize: 4 });
  const auxiliary = work.networks["auxiliary model"] as LowRankDenoiser;
  expect(auxiliary.rank).toBe(3);
  expect(difference(auxiliary.denoise(x, sigma), node.denoise(x, sigma))).toBeLessThan(1e-5);
});

test.each<[string, () => Objective]>([
  ["dmd", () => new Dmd()],
  [
    "dmd2",
    () =>
      new Dmd2({ real: new SamplePool({ samples: randn([8, 1, 8, 8], { generator: new Generator(4) }) }) }),
  ],
  ["vsd", () => new Vsd({ rank: 2 })],
  ["sid", () => new Sid()],
])("%s trains adapters, also of a student of two steps", (_, make) => {
  const teacher = network();
  const of = student(teacher, 3, [0.8]);
  const trajectory = recorded(teacher, of);
  const first = of.module.stateDict().get("model.enc.8x8_conv.up")!.clone();
  const work = new Backtracking({
    ...{ teacher, student: of, trajectory, objective: make(), batchSize: 4, iterations: 2 },
  });
  while (!work.finished) scope(() => work.step());
  expect(difference(of.module.stateDict().get("model.enc.8x8_conv.up")!, first)).toBeGreaterThan(0);
  expect(teacher.parameters().some((weight) => weight.grad)).toBe(false);
});

test.each(["all", "attention"] as const)(
  "activation checkpointing gives the same gradients: %s layers",
  (layers) => {
    const gradients = (activationCheckpointing: boolean) => {
      const teacher = network();
      computing(teacher, { precision: "f32", memoryFormat: "contiguous", activationCheckpointing });
      const model = adaptersOn(teacher, { rank: 3, layers }, 5) as LowRankDenoiser;
      for (const weight of model.parameters())
        weight.detach().copy_(randn(weight.shape, { generator: new Generator(weight.numel) }).mul(0.1));
      // An adapter that is used outside of the pass must not disturb the recomputation.
      const loss = model.denoise(x, sigma).square().mean();
      teacher.denoise(x, sigma);
      loss.backward();
      return model.parameters().map((weight) => weight.grad!);
    };
    const [plain, again] = [gradients(false), gradients(true)];
    plain.forEach((gradient, index) => {
      expect(difference(gradient, again[index]!)).toBeLessThan(1e-6);
      expect(gradient.abs().max().item()).toBeGreaterThan(0);
    });
  },
);

test("a stopped distillation goes on to the same adapters", () => {
  const teacher = network();
  const of = student(teacher);
  const trajectory = recorded(teacher, of);
  const begin = () => new Backtracking({ teacher, student: of, trajectory, batchSize: 4, iterations: 4 });
  const state = (work: Backtracking) =>
    [...work.state().tensors].map(([key, value]) => [key, value.clone()] as const);
  const through = begin();
  for (let k = 0; k < 2; k++) through.step();
  const middle = through.state();
  const saved = { tensors: new Map(state(through)), values: structuredClone(middle.values) };
  while (!through.finished) through.step();
  const expected = new Map(state(through));
  const resumed = begin();
  resumed.loadState(saved);
  while (!resumed.finished) resumed.step();
  for (const [key, value] of state(resumed))
    expect(difference(value.double(), expected.get(key)!.double()), key).toBe(0);
  // Nothing of the base is in a checkpoint.
  const numbers = [...expected.values()].reduce((sum, { numel }) => sum + numel, 0);
  expect(numbers).toBeLessThan(8 * of.module.parameters().reduce((sum, { numel }) => sum + numel, 0) + 3000);
});

test.each<[string, BasePlace, "float32" | "bfloat16"]>([
  ["in a file", { file: join(folder, "base.safetensors") }, "float32"],
  [
    "in a file in bf16, with activation checkpointing",
    { file: join(folder, "half.safetensors") },
    "bfloat16",
  ],
  ["in host memory", "host", "float32"],
])("a base that is fetched for each use trains the same, bit for bit: %s", (_, place, dtype) => {
  const end = (streamed: boolean, activationCheckpointing: boolean) => {
    const teacher = network();
    computing(teacher, { precision: "f32", memoryFormat: "contiguous", activationCheckpointing });
    teacher.to({ dtype });
    const before = fingerprint(teacher);
    if (streamed) {
      expect(keepingFingerprint(teacher, () => streamBase(teacher, place))).toBeGreaterThan(20_000);
      expect(fingerprint(teacher)).toBe(before);
    }
    const of = student(teacher);
    const work = new Backtracking({
      ...{ teacher, student: of, trajectory: recorded(teacher, of), batchSize: 4, iterations: 2 },
    });
    while (!work.finished) scope(() => work.step());
    // A copy holds the weights themselves.
    expect(fingerprint(teacher.clone())).toBe(before);
    return of.module.parameters().map((weight) => weight.detach().clone());
  };
  // Blocks that recompute their activations fetch their weights once more.
  const checkpointing = dtype === "bfloat16";
  const [plain, streamed] = [end(false, checkpointing), end(true, checkpointing)];
  plain.forEach((weight, index) => {
    expect(difference(weight, streamed[index]!)).toBe(0);
  });
});

test("captured steps of adapters give the plain steps' bits; a base that is fetched is not captured", () => {
  const end = (capture: boolean, streamed = false) => {
    const teacher = network();
    if (streamed) streamBase(teacher, "host");
    const of = student(teacher);
    const trajectory = recorded(teacher, of);
    const work = new Backtracking({
      ...{ teacher, student: of, trajectory, batchSize: 4, iterations: 5, execution: { seed: 1, capture } },
    });
    while (!work.finished) scope(() => work.step());
    return of.module.parameters().map((weight) => weight.detach().clone());
  };
  const [plain, captured] = [end(false), end(true)];
  plain.forEach((weight, index) => {
    expect(difference(weight, captured[index]!)).toBe(0);
  });
  expect(() => end(true, true)).toThrow("a step that is being captured cannot fetch a weight");
});

test("a file of another base is refused", () => {
  const file = join(folder, "other.safetensors");
  writeSafetensors(file, new Map([["layer", x]]));
  expect(() => streamBase(network(), { file })).toThrow(`${file}: holds other weights`);
});

test("a base in bf16 has adapters in f32 that learn", () => {
  const teacher = network().to({ dtype: "bfloat16" });
  const model = adaptersOn(teacher, { rank: 2 }, 5);
  expect(model.parameters().every(({ dtype }) => dtype === "float32")).toBe(true);
  expect(model.denoise(x, sigma).dtype).toBe("float32");
  model.denoise(x, sigma).square().mean().backward();
  expect(model.parameters().some((weight) => weight.grad!.abs().max().item() > 0)).toBe(true);
});

test("fresh adapters count as a copy of the teacher, trained ones do not", () => {
  const teacher = network();
  const of = student(teacher);
  expect(sameWeights(teacher, of.module)).toBe(true);
  of.module.parameters()[1]!.detach().fill_(0.1);
  expect(sameWeights(teacher, of.module)).toBe(false);
});

test("storage beside a rank, and interpolated adapters, are refused", () => {
  const teacher = network();
  const of = student(teacher);
  const shared = { teacher, student: of, folder: join(folder, "refused"), steps: 1 };
  expect(() => record({ ...shared, storage: { kind: "half" } })).toThrow('"storage" has no effect');
  const trajectory = recorded(teacher, of);
  expect(() => new Backtracking({ teacher, student: of, trajectory, interpolation: 1 })).toThrow(
    '"interpolation" needs nodes of full weights',
  );
});
