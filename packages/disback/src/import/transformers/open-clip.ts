import { join } from "node:path";
import { z } from "zod";
import { DisbackError } from "../../errors.js";
import { noWeights } from "../../models/weights.js";
import { ClipTextModel } from "../../text/clip/clip-text-model.js";
import { ClipVisionModel } from "../../text/clip/clip-vision-model.js";
import type { TextTokenizer } from "../../text/tokenizers/text-tokenizer.js";
import { isObject, readJsonObject } from "../diffusers/json-file.js";
import { only, parseStrictFields } from "../diffusers/strict-fields.js";
import { forInference } from "../pipeline/open-network.js";
import { clipKey } from "../pipeline/open-text-encoder.js";
import { requireVocabulary } from "../pipeline/require-vocabulary.js";
import { adoptTensors } from "../tensors/adopt.js";
import { openComponentTensors } from "../tensors/component-tensors.js";
import type { TensorTable } from "../tensors/tensor-file.js";
import { openTokenizer } from "../tokenizers/open-tokenizer.js";
import { describeClipText } from "./clip-text.js";
import { describeClipVision } from "./clip-vision.js";

/** CLIP's two encoders, and what its inputs go through. */
export interface Clip {
  tokenizer: TextTokenizer;
  text: ClipTextModel;
  vision: ClipVisionModel;
  /** per channel of pictures in [0, 1] */
  mean: readonly number[];
  deviation: readonly number[];
}

/**
 * Opens a folder of transformers' `CLIPModel` with its tokenizer and `preprocessor_config.json`; in float32, frozen.
 * @throws DisbackError naming the file and field, or the file and key
 */
export async function openClip(folder: string): Promise<Clip> {
  const configPath = join(folder, "config.json");
  const config = readJsonObject(configPath);
  const { text_config: text, vision_config: vision, projection_dim: dimension = 512 } = config;
  if (config["model_type"] !== "clip" || !isObject(text) || !isObject(vision))
    throw new DisbackError(
      `${configPath}: "model_type" is not "clip" with a text_config and a vision_config`,
    );
  if (typeof dimension !== "number" || !Number.isInteger(dimension) || dimension < 1)
    throw new DisbackError(`${configPath}: "projection_dim" must be a whole number from 1`);
  const told = { ...text, projection_dim: dimension };
  const model = {
    text: new ClipTextModel(noWeights, describeClipText({ config: told, configPath }, true)),
    vision: new ClipVisionModel(noWeights, describeClipVision({ config: vision, configPath }, dimension)),
  };
  const { tensors, path } = await openComponentTensors(folder, "transformers");
  const isVision = (key: string) => /^(vision_model|visual_projection)\./.test(key);
  const part = (wanted: (key: string) => boolean): TensorTable =>
    new Map([...tensors].filter(([key]) => wanted(key) && key !== "logit_scale"));
  adoptTensors(
    model.text,
    part((key) => !isVision(key)),
    { path, rename: clipKey },
  );
  adoptTensors(model.vision, part(isVision), { path, rename: clipKey });
  const tokenizer = openTokenizer(folder);
  requireVocabulary(tokenizer, model.text.options.tokens, folder);
  return {
    tokenizer,
    text: forInference(model.text.to({ dtype: "float32" })),
    vision: forInference(model.vision.to({ dtype: "float32" })),
    ...describePictures(folder, model.vision.options.imageResolution),
  };
}

const perChannel = z.array(z.number()).length(3);
/** `CLIPImageProcessor`'s fields, with its defaults. */
const fields = {
  do_resize: only(true),
  do_center_crop: only(true),
  do_rescale: only(true),
  do_normalize: only(true),
  do_convert_rgb: only(true),
  /** Pillow's number of bicubic */
  resample: only(3),
  rescale_factor: z
    .number()
    .refine((factor) => Math.abs(factor * 255 - 1) < 1e-6, "must be 1/255")
    .optional(),
  size: z.union([z.int().positive(), z.object({ shortest_edge: z.int().positive() }), square()]).default(224),
  crop_size: z.union([z.int().positive(), square()]).default(224),
  image_mean: perChannel.default([0.48145466, 0.4578275, 0.40821073]),
  image_std: perChannel.default([0.26862954, 0.26130258, 0.27577711]),
};

function square() {
  return z
    .object({ height: z.int().positive(), width: z.int().positive() })
    .refine(({ height, width }) => height === width, "must be a square");
}

/** How pictures are normalized. @param side that the encoder takes */
function describePictures(folder: string, side: number): Pick<Clip, "mean" | "deviation"> {
  const configPath = join(folder, "preprocessor_config.json");
  const harmless = ["image_processor_type", "feature_extractor_type", "processor_class", "data_format"];
  const given = parseStrictFields(
    fields,
    harmless,
    { config: readJsonObject(configPath), configPath },
    ({ size, crop_size: crop }, fail) => {
      for (const [field, value] of Object.entries({ size, crop_size: crop })) {
        const own = typeof value === "number" ? value : Object.values(value)[0];
        if (own !== side) fail(field, `must be ${side}, the side of the encoder's pictures`);
      }
    },
  );
  return { mean: given.image_mean, deviation: given.image_std };
}
