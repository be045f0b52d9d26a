import type { ClipTextOptions } from "../../text/clip/options.js";
import type { TensorTable } from "../tensors/tensor-file.js";

const headChannels = 64;

/** Names inside a layer: OpenCLIP's, then transformers'. */
const layerNames: readonly (readonly [RegExp, string])[] = [
  [/^ln_1\./, "layer_norm1."],
  [/^ln_2\./, "layer_norm2."],
  [/^mlp\.c_fc\./, "mlp.fc1."],
  [/^mlp\.c_proj\./, "mlp.fc2."],
  [/^attn\.out_proj\./, "self_attn.out_proj."],
];
const outerNames: Readonly<Record<string, string>> = {
  positional_embedding: "text_model.embeddings.position_embedding.weight",
  "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
  "ln_final.weight": "text_model.final_layer_norm.weight",
  "ln_final.bias": "text_model.final_layer_norm.bias",
};

/**
 * OpenCLIP's text encoder under the keys of transformers. Queries, keys and values are one matrix there; its parts here
 * are views of it.
 * @param tensors without the prefix; unknown keys stay as they are
 * @param options.penultimate for Stable Diffusion 2, which takes the states before the last layer: it and the projection
 * are left out
 */
export function openClipTensors(tensors: TensorTable, options: { penultimate: boolean }): TensorTable {
  const layer = (key: string) => Number(/^transformer\.resblocks\.(\d+)\./.exec(key)?.[1] ?? -1);
  const last = Math.max(...[...tensors.keys()].map(layer));
  const renamed: TensorTable = new Map();
  for (const [key, tensor] of tensors) {
    if (key === "logit_scale") continue;
    if (options.penultimate && (layer(key) === last || key === "text_projection")) continue;
    if (key === "text_projection") {
      renamed.set("text_projection.weight", tensor.transpose(0, 1).contiguous());
      continue;
    }
    const inner = /^transformer\.resblocks\.\d+\.(.*)$/.exec(key)?.[1];
    if (inner === undefined) {
      renamed.set(outerNames[key] ?? key, tensor);
      continue;
    }
    const start = `text_model.encoder.layers.${layer(key)}.`;
    const joined = /^attn\.in_proj_(weight|bias)$/.exec(inner);
    if (joined) {
      for (const [index, part] of tensor.chunk(3, 0).entries()) {
        renamed.set(`${start}self_attn.${"qkv"[index]}_proj.${joined[1]}`, part);
      }
      continue;
    }
    renamed.set(start + layerNames.reduce((name, [from, to]) => name.replace(from, to), inner), tensor);
  }
  return renamed;
}

/**
 * A text encoder's options, read off its weights; heads are assumed to have 64 channels.
 * @param tensors under the keys of transformers
 * @param activation "gelu" for OpenCLIP's
 */
export function clipStructure(
  tensors: TensorTable,
  activation: ClipTextOptions["activation"],
): ClipTextOptions {
  const shape = (key: string) => tensors.get(key)?.shape ?? [0, 0];
  const [tokens, channels] = shape("text_model.embeddings.token_embedding.weight") as [number, number];
  const layers = [...tensors.keys()].map((key) =>
    Number(/^text_model\.encoder\.layers\.(\d+)\./.exec(key)?.[1] ?? -1),
  );
  return {
    tokens,
    channels,
    feedForwardChannels: shape("text_model.encoder.layers.0.mlp.fc1.weight")[0]!,
    layers: 1 + Math.max(-1, ...layers),
    heads: Math.max(1, Math.floor(channels / headChannels)),
    places: shape("text_model.embeddings.position_embedding.weight")[0]!,
    activation,
    normalizationEps: 1e-5,
    // The end token has the highest id.
    endToken: tokens - 1,
    projectionChannels: tensors.get("text_projection.weight")?.shape[0] ?? null,
  };
}
