import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, noGrad, randn, readSafetensors, type Tensor, writeSafetensors } from "@disback/torch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type NodeStorage, nodeStorageSchema } from "../../src/distill/node-storage.js";
import { Trajectory } from "../../src/distill/trajectory.js";
import { truncatedSvd } from "../../src/distill/truncated-svd.js";
import { createDenoiser, type DenoiserConfigInput } from "../../src/models/config.js";
import type { PreconditionedDenoiser } from "../../src/models/preconditioning/preconditioned.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-nodes-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const networks: Record<"points" | "images", DenoiserConfigInput> = {
  points: { network: "mlp", dimension: 2, hiddenChannels: 32, blocks: 2 },
  images: {
    network: "song-unet",
    preconditioning: "iddpm",
    imageResolution: 8,
    imageChannels: 1,
    modelChannels: 16,
    channelMultipliers: [1, 2],
    blocksPerResolution: 1,
    embeddingType: "fourier",
  },
};
const teacherOf = (kind: keyof typeof networks) =>
  createDenoiser(networks[kind], { generator: new Generator(1) });

/** The teacher moved by a hundredth, along few directions if asked to. */
function moved(teacher: PreconditionedDenoiser, { rank }: { rank?: number } = {}): PreconditionedDenoiser {
  const generator = new Generator(2);
  const node = teacher.clone();
  noGrad(() => {
    for (const weight of node.parameters()) {
      const [rows, ...rest] = weight.shape as [number, ...number[]];
      const columns = rest.reduce((product, size) => product * size, 1);
      const step =
        rank && rest.length > 0
          ? randn([rows, rank], { generator }).matmul(randn([rank, columns], { generator }))
          : randn([rows, columns], { generator });
      weight.add_(step.reshape(weight.shape).mul(0.01));
    }
  });
  return node;
}

/** Stores a node, and reads it as another process would. */
function stored(node: PreconditionedDenoiser, teacher: PreconditionedDenoiser, storage: NodeStorage) {
  const path = join(folder, `${storage.kind}-${readdirSync(folder).length}`);
  Trajectory.create(path, teacher, {}, storage).append(node, { step: 1, distance: 1, loss: 1 });
  const trajectory = Trajectory.open(path);
  trajectory.requireTeacher(teacher);
  const model = teacher.clone();
  trajectory.loadInto(model, 1);
  return { model, bytes: trajectory.nodes[0]!.bytes!, trajectory };
}

/** Largest error over all weights, relative to each's largest element or to its largest difference to the teacher. */
function errors(
  model: PreconditionedDenoiser,
  node: PreconditionedDenoiser,
  teacher: PreconditionedDenoiser,
) {
  const [read, base] = [model.stateDict(), teacher.stateDict()];
  const largest = (tensor: Tensor) => tensor.abs().max().item();
  const all = node.namedParameters().map(([key, weight]) => {
    const error = largest(read.get(key)!.sub(weight));
    return [error / largest(weight), error / largest(weight.sub(base.get(key)!))] as const;
  });
  return {
    ofWeight: Math.max(...all.map(([one]) => one)),
    ofDifference: Math.max(...all.map(([, one]) => one)),
  };
}

describe.each(["points", "images"] as const)("nodes of a network for %s", (kind) => {
  it("come back as their storage promises, smaller each", () => {
    const teacher = teacherOf(kind);
    const node = moved(teacher, { rank: 2 });
    const sizes = nodeStorageSchema.shape.kind.options.map((storage) => {
      const { model, bytes, trajectory } = stored(node, teacher, { kind: storage, energy: 0.9999 });
      const { ofWeight, ofDifference } = errors(model, node, teacher);
      if (storage === "full") expect(ofWeight).toBe(0);
      if (storage === "half") expect(ofWeight).toBeLessThanOrEqual(2 ** -11);
      // Adding in float32 rounds once more.
      if (storage === "difference") expect(ofDifference).toBeLessThan(2 ** -11 + 1e-4);
      if (storage === "low-rank") expect(ofDifference).toBeLessThan(3e-2);
      expect(bytes).toBe(statSync(join(trajectory.folder, trajectory.nodes[0]!.file)).size);
      // Buffers, such as iDDPM's levels up to 20,000 and random frequencies, are as they were.
      for (const [key, buffer] of node.namedBuffers())
        expect(model.stateDict().get(key)!.equal(buffer), key).toBe(true);
      return bytes;
    });
    const [full, half, difference, lowRank] = sizes as [number, number, number, number];
    expect(half).toBeLessThan(0.62 * full);
    expect(difference).toBe(half);
    expect(lowRank).toBeLessThan(0.8 * half);
  });
});

describe("low rank", () => {
  const random = (shape: number[]) => randn(shape, { generator: new Generator(3) });

  it("keeps the energy asked for, by the smallest rank that does", () => {
    const matrix = random([12, 40]);
    const { left, right } = truncatedSvd(matrix, { energy: 0.7 })!;
    const whole = matrix.square().sum().item();
    const lost = matrix.sub(left.matmul(right)).square().sum().item();
    expect(1 - lost / whole).toBeGreaterThanOrEqual(0.7 - 1e-6);
    const fewer = truncatedSvd(matrix, { energy: 0.7, maximumRank: left.shape[1]! - 1 })!;
    expect(matrix.sub(fewer.left.matmul(fewer.right)).square().sum().item()).toBeGreaterThan(0.3 * whole);
  });

  it("gives no factors that are no smaller than the matrix, and nothing for nothing", () => {
    expect(truncatedSvd(random([4, 4]), { energy: 0.999 })).toBeUndefined();
    expect(
      truncatedSvd(random([8, 8]).mul(0), { energy: 0.99 })!
        .left.abs()
        .max()
        .item(),
    ).toBe(0);
  });

  it("is bounded by the rank asked for", () => {
    const teacher = teacherOf("points");
    const { trajectory } = stored(moved(teacher), teacher, { kind: "low-rank", maximumRank: 3 });
    const { tensors } = readSafetensors(join(trajectory.folder, trajectory.nodes[0]!.file));
    expect(tensors.get("model.blocks.0.layer0.weight#left")!.shape).toEqual([32, 3]);
  });
});

it("what float16 cannot hold is stored as it is", () => {
  const teacher = teacherOf("points");
  const node = moved(teacher);
  const [weight] = node.parameters();
  noGrad(() => weight!.fill_(1e5));
  const { model } = stored(node, teacher, { kind: "half" });
  expect(model.parameters()[0]!.equal(weight!)).toBe(true);
});

describe("trajectories on disk", () => {
  it("of version 1 are still read", () => {
    const teacher = teacherOf("points");
    const node = moved(teacher);
    const { trajectory } = stored(node, teacher, { kind: "full" });
    const manifest = join(trajectory.folder, "trajectory.json");
    const { storage: _, ...old } = JSON.parse(readFileSync(manifest, "utf8"));
    old.version = 1;
    for (const entry of old.nodes) for (const field of ["bytes", "sha256"]) delete entry[field];
    writeFileSync(manifest, JSON.stringify(old));
    const model = teacher.clone();
    const opened = Trajectory.open(trajectory.folder);
    opened.loadInto(model, 1);
    expect(errors(model, node, teacher).ofWeight).toBe(0);
    old.version = 3;
    writeFileSync(manifest, JSON.stringify(old));
    expect(() => Trajectory.open(trajectory.folder)).toThrow(/trajectory.json: version: .*newer disback/);
  });

  it("that are differences ask for their teacher", () => {
    const teacher = teacherOf("points");
    const { trajectory } = stored(moved(teacher), teacher, { kind: "difference" });
    expect(() => Trajectory.open(trajectory.folder).loadInto(teacher.clone(), 1)).toThrow(
      /differences to the teacher/,
    );
  });

  it("name the file that was altered or cut, and the key that does not fit", () => {
    const teacher = teacherOf("points");
    const { trajectory } = stored(moved(teacher), teacher, { kind: "low-rank", maximumRank: 3 });
    const path = join(trajectory.folder, trajectory.nodes[0]!.file);
    const content = readFileSync(path);
    const load = () => trajectory.loadInto(teacher.clone(), 1);
    const altered = Buffer.from(content);
    altered[content.length - 1]! ^= 1;
    writeFileSync(path, altered);
    expect(load).toThrow(`${path}: damaged or altered`);
    writeFileSync(path, content.subarray(0, 900));
    expect(load).toThrow(path);

    // As another program would write it, checksums left out.
    const manifest = join(trajectory.folder, "trajectory.json");
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace(/,\s*"sha256": "\w+"/, ""));
    const again = Trajectory.resume(trajectory.folder, teacher);
    writeFileSync(path, content);
    const weights = new Map([...readSafetensors(path).tensors].map(([key, tensor]) => [key, tensor.clone()]));
    const key = "model.blocks.1.layer1.weight";
    const right = weights.get(`${key}#right`)!;
    const reading = (change: (state: typeof weights) => void) => () => {
      const state = new Map(weights);
      change(state);
      writeSafetensors(path, state);
      again.loadInto(teacher.clone(), 1);
    };
    const inFile = (problem: string) => new RegExp(`${again.nodes[0]!.file}: .*${problem}`);
    expect(reading((state) => state.delete(`${key}#right`))).toThrow(inFile(`${key}: its two factors`));
    expect(reading((state) => state.set(`${key}#right`, right.narrow(1, 0, 5)))).toThrow(inFile(key));
    expect(reading((state) => state.delete("model.input.bias"))).toThrow(inFile("missing model.input.bias"));
    expect(reading((state) => state.set("model.input.bias", right))).toThrow(
      inFile("model.input.bias has shape"),
    );
    expect(reading((state) => state.set("other", right))).toThrow(inFile("unexpected other"));
  });

  it("are continued only with the teacher they were begun with", () => {
    const teacher = teacherOf("points");
    const path = join(folder, "begun");
    mkdirSync(path);
    Trajectory.create(path, teacher, {}, { kind: "half" });
    expect(Trajectory.resume(path, teacher).storage).toEqual({ kind: "half" });
    expect(() => Trajectory.resume(path, moved(teacher))).toThrow(/another teacher/);
  });
});
