import { AssembledTensor, type Piece, type StoredWeight, windowOf } from "../checkpoint/assembled-tensor.js";
import type { StoredTensor } from "../checkpoint/stored-tensor.js";
import { type SdeModule, sdeModules, type Weights } from "./modules.js";

type Fail = (problem: string) => never;

/** The structure of an NCSN++ from the list of modules. */
export interface SdeStructure {
  imageChannels: number;
  /** nf */
  modelChannels: number;
  embedding: "fourier" | "positional";
  blocksPerLevel: number;
  /** highest resolution first */
  levels: { channels: number; attention: boolean }[];
  encoderType: "standard" | "skip" | "residual";
  decoderType: "standard" | "skip";
}

const blockParts = {
  GroupNorm_0: "norm0",
  Conv_0: "conv0",
  Dense_0: "affine",
  GroupNorm_1: "norm1",
  Conv_1: "conv1",
};

/**
 * The unchanged weights of score_sde's NCSN++ (and DDPM++) under the keys of our "song-unet", and its structure.
 * @param imageSize height and width of images, which are part of our keys
 * @param fail called with what is missing, left over or not supported
 */
export function sdeNetwork(
  weights: Weights,
  imageSize: number,
  fail: Fail,
): { structure: SdeStructure; tensors: Map<string, StoredWeight> } {
  const modules = sdeModules(weights, fail);
  const tensors = new Map<string, StoredWeight>();
  const take = (key: string): StoredTensor => weights.get(key) ?? fail(`score_sde: missing weight ${key}`);
  const copy = (theirs: string, ours: string) => {
    for (const part of ["weight", "bias"]) tensors.set(`model.${ours}.${part}`, take(`${theirs}.${part}`));
  };

  let next = 0;
  const expect = (...kinds: SdeModule["kind"][]): SdeModule => {
    const module = modules[next];
    if (!module || !kinds.includes(module.kind)) {
      const found = module ? `${module.key} is another part (${module.kind})` : "it ends";
      return fail(
        `score_sde: ${found} where ${kinds.join(" or ")} is expected: this network is not supported`,
      );
    }
    next += 1;
    return module;
  };
  const follows = (kind: SdeModule["kind"]) => modules[next]?.kind === kind;
  const block = (kind: "block" | "resample", ours: string): number => {
    const { key, channels } = expect(kind);
    for (const [theirs, part] of Object.entries(blockParts)) copy(`${key}.${theirs}`, `${ours}.${part}`);
    if (weights.has(`${key}.Conv_2.weight`)) copy(`${key}.Conv_2`, `${ours}.skip`);
    return channels;
  };
  const attention = (ours: string) => {
    const { key } = expect("attention");
    copy(`${key}.GroupNorm_0`, `${ours}.norm2`);
    const three = [0, 1, 2].map((index) => `${key}.NIN_${index}`);
    tensors.set(
      `model.${ours}.qkv.weight`,
      pointwise(
        three.map((name) => `${name}.W`),
        { take, fail },
      ),
    );
    tensors.set(
      `model.${ours}.qkv.bias`,
      interleaved(
        three.map((name) => `${name}.b`),
        { take, fail },
      ),
    );
    tensors.set(`model.${ours}.proj.weight`, pointwise([`${key}.NIN_3.W`], { take, fail }));
    tensors.set(`model.${ours}.proj.bias`, take(`${key}.NIN_3.b`));
  };

  const embedding = follows("fourier") ? "fourier" : "positional";
  if (embedding === "fourier") tensors.set("model.map_noise.freqs", take(`${expect("fourier").key}.W`));
  copy(expect("linear").key, "map_layer0");
  copy(expect("linear").key, "map_layer1");
  const resamplings = modules.filter(({ kind }) => kind === "resample").length;
  const levelCount = resamplings / 2 + 1;
  const blocks = modules.filter(({ kind }) => kind === "block").length;
  const blocksPerLevel = (blocks - 2 - levelCount) / (2 * levelCount);
  if (!Number.isInteger(levelCount) || !Number.isInteger(blocksPerLevel) || blocksPerLevel < 1) {
    fail("score_sde: its blocks do not make levels of equal length");
  }

  const name = (level: number) => `${imageSize >> level}x${imageSize >> level}`;
  const first = expect("convolution");
  copy(first.key, `enc.${name(0)}_conv`);
  const levels: SdeStructure["levels"] = [];
  let encoderType: SdeStructure["encoderType"] = "standard";
  for (let level = 0; level < levelCount; level++) {
    let channels = 0;
    const attends = new Set<boolean>();
    for (let index = 0; index < blocksPerLevel; index++) {
      channels = block("block", `enc.${name(level)}_block${index}`);
      attends.add(follows("attention"));
      if (follows("attention")) attention(`enc.${name(level)}_block${index}`);
    }
    if (attends.size > 1) fail("score_sde: a level has attention after some of its blocks only");
    levels.push({ channels, attention: attends.has(true) });
    if (level === levelCount - 1) continue;
    block("resample", `enc.${name(level + 1)}_down`);
    if (follows("combine")) {
      encoderType = "skip";
      copy(`${expect("combine").key}.Conv_0`, `enc.${name(level + 1)}_aux_skip`);
    } else if (follows("pyramid")) {
      encoderType = "residual";
      copy(`${expect("pyramid").key}.Conv2d_0`, `enc.${name(level + 1)}_aux_residual`);
    }
  }
  const lowest = name(levelCount - 1);
  block("block", `dec.${lowest}_in0`);
  attention(`dec.${lowest}_in0`);
  block("block", `dec.${lowest}_in1`);
  let decoderType: SdeStructure["decoderType"] = "standard";
  for (let level = levelCount - 1; level >= 0; level--) {
    if (level < levelCount - 1) block("resample", `dec.${name(level)}_up`);
    for (let index = 0; index <= blocksPerLevel; index++) block("block", `dec.${name(level)}_block${index}`);
    if (follows("attention")) attention(`dec.${name(level)}_block${blocksPerLevel}`);
    if (!follows("norm")) continue;
    if (level > 0) decoderType = "skip";
    copy(expect("norm").key, `dec.${name(level)}_aux_norm`);
    copy(expect("convolution").key, `dec.${name(level)}_aux_conv`);
  }
  if (next < modules.length) fail(`score_sde: disback does not know what ${modules[next]!.key} is`);
  const imageChannels = take(`${first.key}.weight`).shape[1]!;
  return {
    structure: {
      ...{ imageChannels, modelChannels: first.channels, embedding, blocksPerLevel, levels },
      ...{ encoderType, decoderType },
    },
    tensors,
  };
}

/** Returns tensors by key, and reports errors in them. */
interface Source {
  take: (key: string) => StoredTensor;
  fail: Fail;
}

/**
 * The kernel `[n out, in, 1, 1]` of a pointwise convolution whose outputs alternate between n matrices `[in, out]`, which
 * is how queries, keys and values lie in ours.
 */
function pointwise(keys: string[], { take, fail }: Source): AssembledTensor {
  const [rows, columns] = take(keys[0]!).shape as [number, number];
  const pieces = keys.map((key, index): Piece => {
    const tensor = take(key);
    const [down, across] = tensor.stride as [number, number];
    const window = { shape: [columns, rows], stride: [across, down] };
    const from = windowOf(tensor, window, (problem) => fail(`score_sde: ${key}: ${problem}`));
    return { from, offset: index * rows, stride: [keys.length * rows, 1] };
  });
  return new AssembledTensor(keys[0]!, [keys.length * columns, rows, 1, 1], pieces);
}

/** `[n C]` whose numbers alternate between n vectors `[C]`. */
function interleaved(keys: string[], { take, fail }: Source): AssembledTensor {
  const size = take(keys[0]!).shape[0]!;
  const pieces = keys.map((key, offset): Piece => {
    const tensor = take(key);
    const window = { shape: [size], stride: tensor.stride };
    const from = windowOf(tensor, window, (problem) => fail(`score_sde: ${key}: ${problem}`));
    return { from, offset, stride: [keys.length] };
  });
  return new AssembledTensor(keys[0]!, [keys.length * size], pieces);
}
