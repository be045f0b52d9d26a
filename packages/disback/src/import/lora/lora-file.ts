import { readSafetensorsHeader, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { isObject, type JsonObject } from "../diffusers/json-file.js";
import { openTensorFile } from "../tensors/tensor-file.js";

/** Parts of a pipeline that take adapters. */
export const loraTargets = ["network", "text_encoder", "text_encoder_2", "text_encoder_3"] as const;
export type LoraTarget = (typeof loraTargets)[number];

/** An adapter of one layer: `W + scale up down` (Hu et al. 2021, eq. 3). */
export interface LoraLayer {
  target: LoraTarget;
  /** the layer's name in the file, without the target's prefix */
  name: string;
  /** names in the file are joined by "_", as in kohya's scripts, not by "." */
  flat: boolean;
  /** `[rank, in]`, or `[rank, in, h, w]` of a convolution */
  down: Tensor;
  /** `[out, rank]`, or `[out, rank, 1, 1]` */
  up: Tensor;
  /** alpha / rank */
  scale: number;
  /** its key in the file, for messages */
  key: string;
}

/** Endings of the two matrices' keys; the rest names the layer. */
const downEnds = [
  ".lora_down.weight",
  ".lora_A.weight",
  ".lora_A.default.weight",
  ".lora_A.default_0.weight",
  ".lora_linear_layer.down.weight",
  ".lora.down.weight",
  "_lora.down.weight",
] as const;

const starts: readonly (readonly [start: string, target: LoraTarget, flat: boolean])[] = [
  ["lora_unet_", "network", true],
  ["lora_transformer_", "network", true],
  ["lora_te1_", "text_encoder", true],
  ["lora_te2_", "text_encoder_2", true],
  ["lora_te3_", "text_encoder_3", true],
  ["lora_te_", "text_encoder", true],
  ["unet.", "network", false],
  ["transformer.", "network", false],
  ["text_encoder.", "text_encoder", false],
  ["text_encoder_2.", "text_encoder_2", false],
  ["text_encoder_3.", "text_encoder_3", false],
  ["base_model.model.", "network", false],
];

/** Other kinds of adapters, by a part of their keys. */
const others: readonly (readonly [RegExp, string])[] = [
  [/\.hada_/, "LoHa"],
  [/\.lokr_/, "LoKr"],
  [/\.(dora_scale|lora_magnitude_vector)/, "DoRA"],
  [/\.lora_mid\./, "a CP decomposition"],
  [/\.(oft_|boft_)/, "OFT"],
  [/\.(diff|diff_b)$/, "a difference of whole weights"],
];

/**
 * Reads a file of low-rank adapters as kohya's scripts, diffusers or peft write it.
 * @throws DisbackError naming the file, and the key that is not understood
 */
export async function readLoraFile(path: string): Promise<LoraLayer[]> {
  const tensors = await openTensorFile(path);
  const metadata = path.endsWith(".safetensors") ? peftMetadata(path) : {};
  const fail = (problem: string): never => {
    throw new DisbackError(`${path}: ${problem}`);
  };
  for (const key of tensors.keys()) {
    const other = others.find(([pattern]) => pattern.test(key));
    if (other) fail(`${key}: ${other[1]} is not supported, only LoRA`);
  }
  const used = new Set<string>();
  const layers: LoraLayer[] = [];
  for (const [key, down] of tensors) {
    const end = downEnds.find((one) => key.endsWith(one));
    if (end === undefined) continue;
    const layer = key.slice(0, -end.length);
    const upKey = layer + end.replace("down", "up").replace("lora_A", "lora_B");
    const up = tensors.get(upKey) ?? fail(`${upKey} is missing, which belongs to ${key}`);
    const rank = down.shape[0]!;
    if (up.shape[1] !== rank) {
      fail(`${upKey} has shape [${up.shape.join(", ")}], but ${key} has rank ${rank}`);
    }
    const alpha = tensors.get(`${layer}.alpha`);
    const { target, name, flat } = split(layer) ?? fail(`${key}: for no part that is known`);
    const scale = alpha ? alpha.item() / rank : statedScale(metadata, target, name, rank);
    layers.push({ target, name, flat, down, up, scale, key });
    for (const one of [key, upKey, `${layer}.alpha`]) used.add(one);
  }
  const unknown = [...tensors.keys()].find((key) => !used.has(key));
  if (unknown !== undefined) fail(`${unknown} is no part of a LoRA that is understood`);
  if (layers.length === 0) fail("no LoRA: it has no tensors");
  return layers;
}

function split(layer: string): Pick<LoraLayer, "target" | "name" | "flat"> | undefined {
  const found = starts.find(([start]) => layer.startsWith(start));
  if (!found) return undefined;
  const [start, target, flat] = found;
  // Files from before peft also name the attention processor.
  const name = layer
    .slice(start.length)
    .replace(/\.processor\.to_(q|k|v|out)$/, (_, part) => (part === "out" ? ".to_out.0" : `.to_${part}`));
  return { target, name, flat };
}

/** peft's metadata, as diffusers stores it beside the tensors. */
function peftMetadata(path: string): JsonObject {
  const text = readSafetensorsHeader(path).metadata["lora_adapter_metadata"];
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Told below.
  }
  throw new DisbackError(`${path}: "lora_adapter_metadata" is not a JSON object`);
}

const components: Readonly<Record<LoraTarget, readonly string[]>> = {
  network: ["unet", "transformer"],
  text_encoder: ["text_encoder"],
  text_encoder_2: ["text_encoder_2"],
  text_encoder_3: ["text_encoder_3"],
};

/** alpha / rank, or alpha / sqrt(rank) (Kalajdzievski 2023); 1 without metadata. */
function statedScale(metadata: JsonObject, target: LoraTarget, name: string, rank: number): number {
  for (const component of components[target]) {
    const usual = metadata[`${component}.lora_alpha`];
    if (typeof usual !== "number") continue;
    const patterns = metadata[`${component}.alpha_pattern`];
    const own = isObject(patterns)
      ? Object.entries(patterns).find(([pattern]) => name === pattern || name.endsWith(`.${pattern}`))?.[1]
      : undefined;
    const alpha = typeof own === "number" ? own : usual;
    return alpha / (metadata[`${component}.use_rslora`] === true ? Math.sqrt(rank) : rank);
  }
  return 1;
}
