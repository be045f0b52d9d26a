import { AssembledTensor, rowMajor, type StoredWeight, windowOf } from "../checkpoint/assembled-tensor.js";
import type { StoredTensor } from "../checkpoint/stored-tensor.js";
import type { AdmStructure, Weights } from "./structure.js";

type Fail = (problem: string) => never;

const resnetParts = {
  "in_layers.0": "norm1",
  "in_layers.2": "conv1",
  "emb_layers.1": "time_emb_proj",
  "out_layers.0": "norm2",
  "out_layers.3": "conv2",
  skip_connection: "conv_shortcut",
};
const projections = ["to_q", "to_k", "to_v"] as const;

/** The layout of queries, keys and values of several heads in one tensor. */
export interface AttentionLayout {
  /** heads of an attention over this many channels */
  headsOf: (channels: number) => number;
  /** all heads' queries, then keys, then values (use_new_attention_order), or the three of each head together */
  threeFirst: boolean;
}

/**
 * The unchanged weights of guided-diffusion's U-Net under the keys of our "unet-2d".
 * @param fail called with keys that are missing or left over
 */
export function admWeights(
  weights: Weights,
  structure: AdmStructure,
  layout: AttentionLayout,
  fail: Fail,
): Map<string, StoredWeight> {
  const result = new Map<string, StoredWeight>();
  const left = new Set(weights.keys());
  const take = (key: string): StoredTensor => {
    left.delete(key);
    return weights.get(key) ?? fail(`guided-diffusion (ADM): missing weight ${key}`);
  };
  const failAt = (key: string) => (problem: string) => fail(`guided-diffusion (ADM): ${key}: ${problem}`);
  const copy = (theirs: string, ours: string) => result.set(`model.${ours}`, take(theirs));
  const layer = (theirs: string, ours: string) => {
    for (const part of ["weight", "bias"]) copy(`${theirs}.${part}`, `${ours}.${part}`);
  };
  const resnet = (theirs: string, ours: string) => {
    for (const [from, to] of Object.entries(resnetParts)) {
      const optional = from === "skip_connection";
      if (!optional || weights.has(`${theirs}.${from}.weight`)) layer(`${theirs}.${from}`, `${ours}.${to}`);
    }
  };
  const attention = (theirs: string, ours: string) => {
    layer(`${theirs}.norm`, `${ours}.group_norm`);
    for (const part of ["weight", "bias"]) {
      const qkv = `${theirs}.qkv.${part}`;
      const packed = take(qkv);
      for (const [index, name] of projections.entries()) {
        result.set(
          `model.${ours}.${name}.${part}`,
          projection(packed, index, layout, { name: qkv, fail: failAt(qkv) }),
        );
      }
      const key = `${theirs}.proj_out.${part}`;
      const out = take(key);
      const shape = out.shape.slice(0, 2);
      result.set(
        `model.${ours}.to_out.0.${part}`,
        windowOf(out, { shape, stride: rowMajor(shape) }, failAt(key)),
      );
    }
  };

  layer("time_embed.0", "time_embedding.linear_1");
  layer("time_embed.2", "time_embedding.linear_2");
  if (structure.classes > 0) copy("label_emb.weight", "class_embedding.weight");
  layer("input_blocks.0.0", "conv_in");
  const { levels, blocksPerLevel, resampling } = structure;
  for (const level of levels.keys()) {
    const first = 1 + level * (blocksPerLevel + 1);
    const down = `down_blocks.${level}`;
    for (let block = 0; block < blocksPerLevel; block++) {
      resnet(`input_blocks.${first + block}.0`, `${down}.resnets.${block}`);
      if (levels[level]!.attention)
        attention(`input_blocks.${first + block}.1`, `${down}.attentions.${block}`);
    }
    if (level === levels.length - 1) continue;
    const last = `input_blocks.${first + blocksPerLevel}.0`;
    if (resampling === "resnet") resnet(last, `${down}.downsamplers.0`);
    else layer(`${last}.op`, `${down}.downsamplers.0.conv`);
  }
  resnet("middle_block.0", "mid_block.resnets.0");
  attention("middle_block.1", "mid_block.attentions.0");
  resnet("middle_block.2", "mid_block.resnets.1");
  for (const [step, { attention: attends }] of [...levels].reverse().entries()) {
    const up = `up_blocks.${step}`;
    for (let block = 0; block <= blocksPerLevel; block++) {
      const theirs = `output_blocks.${step * (blocksPerLevel + 1) + block}`;
      resnet(`${theirs}.0`, `${up}.resnets.${block}`);
      if (attends) attention(`${theirs}.1`, `${up}.attentions.${block}`);
      if (block < blocksPerLevel || step === levels.length - 1) continue;
      const last = `${theirs}.${attends ? 2 : 1}`;
      if (resampling === "resnet") resnet(last, `${up}.upsamplers.0`);
      else layer(`${last}.conv`, `${up}.upsamplers.0.conv`);
    }
  }
  layer("out.0", "conv_norm_out");
  layer("out.2", "conv_out");
  const [unknown] = left;
  if (unknown !== undefined) fail(`guided-diffusion (ADM): disback does not know what ${unknown} is`);
  return result;
}

/** Queries, keys or values (`index` 0, 1, 2) out of `[3 C, C, 1]` or `[3 C]`. */
function projection(
  packed: StoredTensor,
  index: number,
  { headsOf, threeFirst }: AttentionLayout,
  { name, fail }: { name: string; fail: Fail },
): AssembledTensor {
  const channels = packed.shape[0]! / 3;
  const row = packed.stride[0]!;
  const columns = packed.shape.slice(1, 2);
  const heads = headsOf(channels);
  const width = channels / heads;
  const window = {
    offset: index * row * (threeFirst ? channels : width),
    shape: [heads, width, ...columns],
    stride: [row * width * (threeFirst ? 1 : 3), row, ...packed.stride.slice(1, 2)],
  };
  const target = [channels, ...columns];
  const [targetRow, ...targetColumn] = rowMajor(target) as [number, ...number[]];
  const stride = [width * targetRow, targetRow, ...targetColumn];
  return new AssembledTensor(name, target, [{ from: windowOf(packed, window, fail), offset: 0, stride }]);
}
