import { DisbackError } from "../../errors.js";
import { type Autoencoder, buildAutoencoder } from "../../models/autoencoder/autoencoder.js";
import { parseAutoencoderConfig } from "../../models/autoencoder/autoencoder-config.js";
import { noWeights } from "../../models/weights.js";
import { ClipTextModel } from "../../text/clip/clip-text-model.js";
import type { ClipTextOptions } from "../../text/clip/options.js";
import type { PromptEncoder } from "../../text/prompts/prompt-encoder.js";
import { StableDiffusionPrompts } from "../../text/prompts/stable-diffusion.js";
import { type ClipPair, StableDiffusionXlPrompts } from "../../text/prompts/stable-diffusion-xl.js";
import { describeAutoencoder } from "../diffusers/autoencoder.js";
import type { DiscreteSchedule } from "../diffusers/noise-schedule.js";
import type { LoraTarget } from "../lora/lora-file.js";
import { type LoraChoice, type Loras, readLoras } from "../lora/merge-lora.js";
import { buildTextToImageNetwork, forInference, type TextToImageNetwork } from "../pipeline/open-network.js";
import { clipKey } from "../pipeline/open-text-encoder.js";
import { requireVocabulary } from "../pipeline/require-vocabulary.js";
import type { TextToImagePipeline } from "../pipeline/text-to-image-pipeline.js";
import { adoptTensors } from "../tensors/adopt.js";
import { openTensorFile, type TensorTable } from "../tensors/tensor-file.js";
import { openTokenizer } from "../tokenizers/open-tokenizer.js";
import { clipStructure, openClipTensors } from "./clip-keys.js";
import { type Sections, sections } from "./sections.js";
import { unetKeys } from "./unet-keys.js";
import { unetStructure } from "./unet-structure.js";
import { vaeStructure, vaeTensors } from "./vae-keys.js";

export interface OpenSingleFileOptions {
  /** what the network predicts, default the noise; needed for Stable Diffusion 2, which exists in both kinds */
  prediction?: "epsilon" | "v" | undefined;
  /** a folder with CLIP's `vocab.json` and `merges.txt`, or `tokenizer.json`: a single file does not contain them */
  tokenizer?: string | undefined;
  /** files of adapters that are merged into the weights */
  loras?: readonly LoraChoice[] | undefined;
}

/** Height and width of the latents in a version's training. */
const sides = { sd1: 64, sd2: 64, sdxl: 128 } as const;
const scalingFactors = { sd1: 0.18215, sd2: 0.18215, sdxl: 0.13025 } as const;

/**
 * Opens a checkpoint of Stable Diffusion 1, 2 or XL in its original layout, `.safetensors` or `.ckpt`: network, autoencoder
 * and text encoders in one file. Their sizes are read off the weights, which stay in their precision.
 * @throws DisbackError naming the file, and the key that is missing, unexpected or of another shape
 */
export async function openSingleFile(
  path: string,
  { prediction, tokenizer, loras: choices = [] }: OpenSingleFileOptions = {},
): Promise<TextToImagePipeline> {
  const loras = await readLoras(choices);
  const parts = sections(await openTensorFile(path), path);
  const encoders = parts.version === "sdxl" ? ["text_encoder", "text_encoder_2"] : ["text_encoder"];
  loras.requireOnly(new Set(["network", ...encoders]));
  const predicted = prediction ?? (parts.marks.has("v_pred") ? "v" : undefined);
  if (parts.version === "sd2" && predicted === undefined) {
    throw new DisbackError(
      `${path}: Stable Diffusion 2 predicts the noise (512-base) or a velocity (768-v): say which by --prediction epsilon or v`,
    );
  }
  const network = openNetwork(
    parts,
    predicted === "v" && parts.version === "sd2" ? 96 : sides[parts.version],
    path,
  );
  loras.merge("network", network.module);
  return {
    className: "single file",
    network,
    schedule: scheduleOf(parts, predicted ?? "epsilon"),
    autoencoder: openAutoencoder(parts, path),
    openPrompts: async () => openPrompts(parts, path, tokenizer, loras),
    unused: parts.unused,
  };
}

function openNetwork({ unet }: Sections, side: number, path: string): TextToImageNetwork {
  const keys = unetKeys(unet.keys());
  const unknown = [...unet.keys()].find((key) => !keys.has(key));
  if (unknown !== undefined) throw new DisbackError(`${path}: model.diffusion_model.${unknown} is unknown`);
  const tensors = new Map([...unet].map(([key, tensor]) => [keys.get(key)!, tensor]));
  const component = { config: unetStructure(tensors, side), configPath: path };
  const network = buildTextToImageNetwork(component, "UNet2DConditionModel");
  adoptTensors(network.module, tensors, { path });
  forInference(network.module);
  return network;
}

function openAutoencoder({ vae, version }: Sections, path: string): Autoencoder {
  if (vae.size === 0)
    throw new DisbackError(`${path}: no autoencoder: no key begins with "first_stage_model."`);
  const tensors = vaeTensors(vae);
  const config = vaeStructure(tensors, scalingFactors[version]);
  const described = describeAutoencoder({
    name: "",
    className: "AutoencoderKL",
    folder: "",
    configPath: path,
    config,
  });
  const autoencoder = buildAutoencoder(parseAutoencoderConfig(described, path), noWeights);
  adoptTensors(autoencoder, tensors, { path });
  if (autoencoder.parameters()[0]!.dtype !== "float32") autoencoder.to({ dtype: "float32" });
  return forInference(autoencoder);
}

/** The schedule that all versions were trained with (Rombach et al. 2022). */
function scheduleOf({ marks }: Sections, prediction: "epsilon" | "v"): DiscreteSchedule {
  return {
    preconditioning: "discrete",
    prediction,
    timesteps: 1000,
    betaSchedule: "scaled-linear",
    betaStart: 0.00085,
    betaEnd: 0.012,
    ...(marks.has("ztsnr") ? { zeroTerminalSnr: true } : {}),
  };
}

function openPrompts(parts: Sections, path: string, folder: string | undefined, loras: Loras): PromptEncoder {
  if (folder === undefined) {
    throw new DisbackError(
      `${path}: a single file holds no tokenizer: give a folder with CLIP's vocab.json and merges.txt, or tokenizer.json: --tokenizer FOLDER`,
    );
  }
  const pair = (
    tensors: TensorTable,
    activation: ClipTextOptions["activation"],
    padding: string,
  ): ClipPair => {
    const tokenizer = openTokenizer(folder, { pad_token: padding });
    const encoder = openEncoder(tensors, activation, path);
    requireVocabulary(tokenizer, encoder.options.tokens, folder);
    return { tokenizer, encoder };
  };
  const adapted = (target: LoraTarget, one: ClipPair): ClipPair => {
    loras.merge(target, one.encoder);
    return one;
  };
  const first = () =>
    adapted("text_encoder", pair(withTransformersKeys(parts.clip), "quick_gelu", "<|endoftext|>"));
  if (parts.version === "sd1") {
    const { tokenizer, encoder } = first();
    return new StableDiffusionPrompts(tokenizer, encoder);
  }
  const second = openClipTensors(parts.openClip, { penultimate: parts.version === "sd2" });
  const target = parts.version === "sd2" ? "text_encoder" : "text_encoder_2";
  const last = adapted(target, pair(second, "gelu", "!"));
  if (parts.version === "sd2") return new StableDiffusionPrompts(last.tokenizer, last.encoder);
  return new StableDiffusionXlPrompts([first(), last], true);
}

function withTransformersKeys(tensors: TensorTable): TensorTable {
  return new Map(
    [...tensors].flatMap(([key, tensor]) => {
      const name = clipKey(key);
      return name === null ? [] : [[name, tensor] as const];
    }),
  );
}

function openEncoder(
  tensors: TensorTable,
  activation: ClipTextOptions["activation"],
  path: string,
): ClipTextModel {
  if (tensors.size === 0) throw new DisbackError(`${path}: a text encoder is missing`);
  const model = new ClipTextModel(noWeights, clipStructure(tensors, activation));
  adoptTensors(model, tensors, { path });
  return forInference(model);
}
