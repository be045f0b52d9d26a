import type { StoredTensor } from "../checkpoint/stored-tensor.js";

/** Weights of a checkpoint by key. */
export type Weights = ReadonlyMap<string, StoredTensor>;
type Fail = (problem: string) => never;

/** The structure of a U-Net of openai/guided-diffusion, from keys and shapes. */
export interface AdmStructure {
  inChannels: number;
  outChannels: number;
  /** sines and cosines of a step */
  modelChannels: number;
  embeddingChannels: number;
  /** 0 for an unconditional network */
  classes: number;
  scaleShift: boolean;
  /** how levels change their resolution: residual blocks (resblock_updown) or convolutions */
  resampling: "resnet" | "conv";
  blocksPerLevel: number;
  /** highest resolution first */
  levels: readonly { channels: number; attention: boolean }[];
}

/** Whether keys are those of guided-diffusion's U-Net, or of its predecessor improved-diffusion's. */
export function isAdm(weights: Weights): boolean {
  return (
    weights.has("time_embed.0.weight") &&
    weights.has("input_blocks.0.0.weight") &&
    [...weights.keys()].some((key) => /^(input_blocks\.1\.0|middle_block\.0)\.in_layers\./.test(key))
  );
}

/** Whether keys are those of guided-diffusion's classifiers: an encoder followed by pooling. */
export function isClassifier(weights: Weights): boolean {
  const keys = [...weights.keys()];
  const hasDecoder = keys.some((key) => key.startsWith("output_blocks."));
  return !hasDecoder && !weights.has("out.2.weight") && keys.some((key) => key.startsWith("out."));
}

/**
 * Reads the structure from keys and shapes. @param fail called if it is not a U-Net of guided-diffusion, or not
 * supported
 */
export function admStructure(weights: Weights, fail: Fail): AdmStructure {
  const shape = (key: string): readonly number[] =>
    weights.get(key)?.shape ?? fail(`guided-diffusion (ADM): missing weight ${key}`);
  const blocks = (half: string) => count(weights, new RegExp(`^${half}\\.(\\d+)\\.`));
  const [modelChannels, embeddingChannels] = [...shape("time_embed.0.weight")].reverse() as [number, number];
  const [, inChannels] = shape("input_blocks.0.0.weight") as [number, number];
  const [outChannels] = shape("out.2.weight") as [number];
  const ups = [...weights.keys()].filter((key) =>
    /^output_blocks\.\d+\.[12]\.(in_layers\.2|conv)\.weight$/.test(key),
  );
  const levelCount = ups.length + 1;
  const blocksPerLevel = blocks("output_blocks") / levelCount - 1;
  const encoderBlocks = 1 + levelCount * blocksPerLevel + (levelCount - 1);
  if (!Number.isInteger(blocksPerLevel) || blocksPerLevel < 1 || blocks("input_blocks") !== encoderBlocks) {
    fail(
      "guided-diffusion (ADM): its blocks do not make levels of equal length with a change of resolution between",
    );
  }
  const levels = Array.from({ length: levelCount }, (_, level) => {
    const first = 1 + level * (blocksPerLevel + 1);
    const [channels] = shape(`input_blocks.${first}.0.in_layers.2.weight`) as [number];
    return { channels, attention: weights.has(`input_blocks.${first}.1.qkv.weight`) };
  });
  const [adjustments] = shape("input_blocks.1.0.emb_layers.1.weight") as [number];
  return {
    inChannels,
    outChannels,
    modelChannels,
    embeddingChannels,
    classes: weights.get("label_emb.weight")?.shape[0] ?? 0,
    scaleShift: adjustments === 2 * levels[0]!.channels,
    resampling: ups.some((key) => key.endsWith(".conv.weight")) ? "conv" : "resnet",
    blocksPerLevel,
    levels,
  };
}

/** One more than the highest index. */
function count(weights: Weights, pattern: RegExp): number {
  let highest = -1;
  for (const key of weights.keys()) {
    const index = pattern.exec(key)?.[1];
    if (index !== undefined) highest = Math.max(highest, Number(index));
  }
  return highest + 1;
}
