import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  cat,
  fromTypedArray,
  Generator,
  ops,
  randn,
  readSafetensors,
  scope,
  type Tensor,
} from "@disback/torch";
import { afterEach, describe, expect, it } from "vitest";
import { Backtracking } from "../../src/distill/backtrack.js";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { imitate } from "../../src/distill/imitate.js";
import { LowRankDenoiser } from "../../src/models/adapters/low-rank-denoiser.js";
import {
  createDenoiser,
  type DenoiserConfigInput,
  parseDenoiserConfig,
  sampleShape,
} from "../../src/models/config.js";
import {
  isTaskAdaptersFolder,
  loadTaskAdapters,
  saveTaskAdapters,
} from "../../src/models/tasks/adapters-storage.js";
import { jointConfig, jointStart } from "../../src/models/tasks/joint-network.js";
import { TaskAdapters } from "../../src/models/tasks/task-adapters.js";
import { TaskDenoiser } from "../../src/models/tasks/task-denoiser.js";
import { fingerprint } from "../../src/training/hashing.js";

const networks = {
  mlp: { network: "mlp", dimension: 2, hiddenChannels: 8, blocks: 1, sigmaData: 0.5 },
  "song-unet": {
    ...{ network: "song-unet", imageResolution: 8, imageChannels: 1, modelChannels: 8, dropout: 0 },
    ...{ channelMultipliers: [1, 2], blocksPerResolution: 1, attentionResolutions: [4] },
  },
  "dhariwal-unet": {
    ...{ network: "dhariwal-unet", imageResolution: 8, imageChannels: 1, modelChannels: 32, dropout: 0 },
    ...{ channelMultipliers: [1], blocksPerResolution: 1, attentionResolutions: [] },
  },
  dit: {
    ...{ network: "dit", imageResolution: 8, imageChannels: 1, patchSize: 4 },
    ...{ layers: 1, heads: 2, channelsPerHead: 4 },
  },
  "video-dit": {
    ...{ network: "video-dit", frames: 4, framesPerPatch: 2, imageResolution: 8, imageChannels: 1 },
    ...{ patchSize: 4, layers: 2, heads: 2, channelsPerHead: 6 },
  },
} as const satisfies Record<string, DenoiserConfigInput>;
type Name = keyof typeof networks;
const names = Object.keys(networks) as Name[];

/** A teacher of two classes, and one without. */
function teacherOf(name: Name) {
  const models = [2, 0].map((labelDim, seed) => {
    const model = parseDenoiserConfig({ ...networks[name], labelDim, sigmaData: 0.5 + 0.1 * seed });
    const denoiser = createDenoiser(model, { generator: new Generator(seed) }).eval();
    // Networks that start at zero show nothing.
    scope(() => {
      for (const weight of denoiser.parameters())
        weight.detach().add_(randn([...weight.shape], { generator: new Generator(9) }).mul_(0.05));
    });
    return { name: ["shapes", "moons"][seed]!, model, denoiser };
  });
  const teacher = new TaskDenoiser(models);
  return { teacher, first: models[0]!.denoiser, config: jointConfig(teacher, models) };
}

function adaptersOf(name: Name, changed = false) {
  const { teacher, first, config: joint } = teacherOf(name);
  const { denoiser: base, config } = jointStart(teacher, joint, 0);
  const adapters = new TaskAdapters(base, { rank: 3, generator: new Generator(1) });
  if (changed)
    scope(() => {
      for (const { up } of Object.values(adapters.adapters))
        up.detach().copy_(randn([...up.shape], { generator: new Generator(4) }).mul_(0.3));
    });
  return { teacher, first, base, adapters, config };
}

const classes = [2, 0, 1, 2];
const labels = oneHot(classes, 3);
const sigma = fromTypedArray(Float32Array.of(0.1, 0.5, 2, 10), [4]);
const noisy = (name: Name) =>
  randn([4, ...sampleShape(parseDenoiserConfig(networks[name]))], { generator: new Generator(7) });

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});
function folder(): string {
  folders.push(mkdtempSync(join(tmpdir(), "disback-task-adapters-")));
  return folders.at(-1)!;
}

describe("one base with adapters for each task", () => {
  it.each(["mlp", "song-unet", "dhariwal-unet"] as const)("starts as the first teacher: %s", (name) => {
    const { first, base, adapters } = adaptersOf(name);
    const x = noisy(name);
    const own = x.narrow(0, 1, 2);
    const level = sigma.narrow(0, 1, 2);
    const wanted = first.denoise(own, level, { class: oneHot([0, 1], 2) });
    const given = adapters.denoise(own, level, { class: labels.narrow(0, 1, 2) });
    expect(distance(given, wanted)).toBeLessThan(1e-5);
    expect(distance(first.denoise(own, level), wanted)).toBeGreaterThan(1e-4);
    // Another task starts as what the first teacher says without a class.
    const other = adapters.denoise(x.narrow(0, 0, 1), sigma.narrow(0, 0, 1), { class: oneHot([2], 3) });
    expect(distance(other, first.denoise(x.narrow(0, 0, 1), sigma.narrow(0, 0, 1)))).toBeLessThan(1e-5);
    expect(
      distance(adapters.denoise(x, sigma, { class: labels }), base.denoise(x, sigma, { class: labels })),
    ).toBe(0);
  });

  it.each(names)("gives each sample its task's adapters, as a base with these alone: %s", (name) => {
    const { base, adapters } = adaptersOf(name, true);
    const alone = [0, 1].map((task) => {
      const one = new LowRankDenoiser(base, { rank: 3, generator: new Generator(0) });
      for (const [key, { up, down }] of Object.entries(one.adapters)) {
        const all = adapters.adapters[key]!;
        const rank = all.rank / 2;
        scope(() => {
          up.detach().copy_(all.up.narrow(1, task * rank, rank));
          down.detach().copy_(all.down.narrow(0, task * rank, rank));
        });
      }
      return one;
    });
    const x = noisy(name);
    const wanted = classes.map((label, row) => {
      const of = (tensor: Tensor) => tensor.narrow(0, row, 1);
      return alone[label === 2 ? 1 : 0]!.denoise(of(x), of(sigma), { class: of(labels) });
    });
    const together = adapters.denoise(x, sigma, { class: labels });
    expect(distance(together, cat(wanted))).toBeLessThan(2e-5);
    expect(distance(together, base.denoise(x, sigma, { class: labels }))).toBeGreaterThan(1e-3);
    // One level and one class for all.
    const level = sigma.narrow(0, 1, 1);
    const single = adapters.denoise(x, level, { class: oneHot([1], 3) });
    expect(distance(single, alone[0]!.denoise(x, level, { class: oneHot([1], 3) }))).toBeLessThan(2e-5);
  });

  it("gives a gradient to the adapters of the tasks that were drawn alone", () => {
    const { base, adapters } = adaptersOf("song-unet", true);
    adapters
      .denoise(noisy("song-unet"), sigma, { class: oneHot([2, 2, 2, 2], 3) })
      .square()
      .sum()
      .backward();
    for (const { up, down, rank } of Object.values(adapters.adapters)) {
      const ofShapes = [up.grad!.narrow(1, 0, rank / 2), down.grad!.narrow(0, 0, rank / 2)];
      const ofMoons = up.grad!.narrow(1, rank / 2, rank / 2);
      for (const gradient of ofShapes) expect(gradient.abs().max().item()).toBe(0);
      expect(ofMoons.abs().max().item()).toBeGreaterThan(0);
    }
    expect(base.parameters().every(({ grad }) => grad === undefined)).toBe(true);
  });

  it("leaves the base as it is in training, beside adapters on each teacher", () => {
    const { teacher, base, adapters } = adaptersOf("mlp");
    teacher.requiresGrad_(false);
    const student = new DenoiserStudent(adapters, { sigmaInit: 2.5 });
    const before = [fingerprint(base), fingerprint(teacher)];
    imitate({ teacher, student, steps: 3, batchSize: 8 });
    const work = new Backtracking({ teacher, student, batchSize: 8, iterations: 3 });
    const auxiliary = work.networks["auxiliary model"] as LowRankDenoiser;
    expect(auxiliary).toBeInstanceOf(LowRankDenoiser);
    expect([auxiliary.base, auxiliary.rank]).toEqual([teacher, 3]);
    while (!work.finished) work.step();
    const average = work.average.module as TaskAdapters;
    expect(average.base).toBe(base);
    expect(Object.values(adapters.adapters).some(({ up }) => up.abs().max().item() > 0)).toBe(true);
    work.dispose();
    expect([fingerprint(base), fingerprint(teacher)]).toEqual(before);
  });

  it("shares the first teacher's tensors where that is asked for", () => {
    const { teacher, config } = teacherOf("song-unet");
    const { denoiser } = jointStart(teacher, config, 0, { shared: true });
    const first = teacher.tasks.at(0)!.stateDict();
    const own = [...denoiser.stateDict()].filter(([key, { address }]) => first.get(key)?.address !== address);
    expect(own.map(([key]) => key)).toEqual(["model.map_label.weight"]);
  });

  it("comes back from its folder, which holds the base once", () => {
    const { adapters, config } = adaptersOf("song-unet", true);
    const at = folder();
    saveTaskAdapters(at, adapters, config);
    expect(isTaskAdaptersFolder(at)).toBe(true);
    const { denoiser, config: read } = loadTaskAdapters(at);
    expect(read).toEqual(config);
    const x = noisy("song-unet");
    const condition = { class: labels };
    expect(distance(denoiser.denoise(x, sigma, condition), adapters.denoise(x, sigma, condition))).toBe(0);
    const { tensors } = readSafetensors(join(at, "model.safetensors"));
    const count = (state: Iterable<Tensor>) => [...state].reduce((sum, { numel }) => sum + numel, 0);
    expect(count(tensors.values())).toBe(
      count(adapters.base.stateDict().values()) + count(adapters.parameters()),
    );
  });

  it("refuses what does not fit", () => {
    const { base, adapters, config } = adaptersOf("mlp");
    const { first } = teacherOf("mlp");
    const generator = new Generator(0);
    expect(() => new TaskAdapters(first, { generator })).toThrow("this denoiser knows no tasks");
    expect(() => new TaskAdapters(base, { rank: 0, generator })).toThrow('"rank" must be a whole number');
    expect(() => new TaskAdapters(base, { layers: "attention", generator })).toThrow(
      "no layers of attention",
    );
    expect(() => adapters.denoise(noisy("mlp"), sigma)).toThrow(
      "one of the tasks must be chosen: shapes, moons",
    );
    const at = folder();
    saveTaskAdapters(at, adapters, config);
    const file = join(at, "config.json");
    const written = readFileSync(file, "utf8");
    writeFileSync(file, written.replace('"rank": 3', '"rank": 2'));
    expect(() => loadTaskAdapters(at)).toThrow("model.safetensors: ");
    const { tasks: _, ...without } = config;
    writeFileSync(file, JSON.stringify({ ...JSON.parse(written), model: without }));
    expect(() => loadTaskAdapters(at)).toThrow("config.json: model.tasks: are missing");
  });
});

function oneHot(classes: number[], size: number): Tensor {
  return ops.one_hot(fromTypedArray(BigInt64Array.from(classes, BigInt), [classes.length]), size).float();
}

function distance(a: Tensor, b: Tensor): number {
  return a.sub(b).abs().max().item();
}
