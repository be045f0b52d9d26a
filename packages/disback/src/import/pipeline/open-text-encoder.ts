import type { Module } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { noWeights } from "../../models/weights.js";
import { BertModel } from "../../text/bert/bert-model.js";
import { ClipTextModel } from "../../text/clip/clip-text-model.js";
import { T5EncoderModel } from "../../text/t5/t5-encoder-model.js";
import { shown } from "../pickle/text-values.js";
import { adoptTensors } from "../tensors/adopt.js";
import { type ComponentTensors, openComponentTensors } from "../tensors/component-tensors.js";
import { describeBert } from "../transformers/bert.js";
import { describeClipText } from "../transformers/clip-text.js";
import { describeT5, describeUmt5 } from "../transformers/t5.js";
import { forInference } from "./open-network.js";
import { type ConfiguredPart, configured, type PipelinePart } from "./pipeline-folder.js";

/**
 * Opens CLIP's text encoder, with a projection or not; in evaluation mode, frozen.
 * @throws DisbackError naming the file and field, or the file and key
 */
export async function openClipText(part: PipelinePart, variant?: string): Promise<ClipTextModel> {
  const given = configured(part);
  const projection = part.className === "CLIPTextModelWithProjection";
  if (!projection && part.className !== "CLIPTextModel") return refuse(given, "CLIPTextModel");
  const model = new ClipTextModel(noWeights, describeClipText(given, projection));
  return adopted(model, await openComponentTensors(part.folder, "transformers", variant), clipKey);
}

/** Opens T5's encoder, like `openClipText`. */
export const openT5 = encoderOpener("T5EncoderModel", describeT5);

/** Opens UMT5's encoder, like `openClipText`. */
export const openUmt5 = encoderOpener("UMT5EncoderModel", describeUmt5);

function encoderOpener(expected: string, describe: typeof describeT5) {
  return async (part: PipelinePart, variant?: string): Promise<T5EncoderModel> => {
    const given = configured(part);
    if (part.className !== expected) return refuse(given, expected);
    const model = new T5EncoderModel(noWeights, describe(given));
    const weights = await openComponentTensors(part.folder, "transformers", variant);
    return adopted(model, weights, t5Key(weights.tensors.has("shared.weight")));
  };
}

/** Opens BERT, like `openClipText`. */
export async function openBert(part: PipelinePart, variant?: string): Promise<BertModel> {
  const weights = await openComponentTensors(part.folder, "transformers", variant);
  const pooler = [...weights.tensors.keys()].some((key) => bertKey(key)?.startsWith("pooler."));
  return adopted(new BertModel(noWeights, describeBert(configured(part), pooler)), weights, bertKey);
}

/** Old files also store the positions 0, 1, 2, …; transformers 5 omits "text_model." without a projection. */
export function clipKey(key: string): string | null {
  if (key.endsWith("position_ids")) return null;
  return /^(embeddings|encoder|final_layer_norm)\./.test(key) ? `text_model.${key}` : key;
}

/** Some files hold the table twice, others only under its second name. */
export function t5Key(hasFirst: boolean): (key: string) => string | null {
  const second = hasFirst ? null : "shared.weight";
  return (key) => (key === "encoder.embed_tokens.weight" ? second : key);
}

function bertKey(key: string): string | null {
  if (key.endsWith("position_ids") || key.startsWith("cls.")) return null;
  return key
    .replace(/^bert\./, "")
    .replace(/LayerNorm\.gamma$/, "LayerNorm.weight")
    .replace(/LayerNorm\.beta$/, "LayerNorm.bias");
}

function adopted<Model extends Module>(
  model: Model,
  { tensors, path }: ComponentTensors,
  rename: (key: string) => string | null,
): Model {
  adoptTensors(model, tensors, { path, rename });
  return forInference(model);
}

function refuse({ configPath, className, name }: ConfiguredPart, expected: string): never {
  throw new DisbackError(`${configPath}: "${shown(name)}" is ${shown(className)}, not ${expected}`);
}
