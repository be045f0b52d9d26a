import { BinaryReader } from "@bufbuild/protobuf/wire";
import { GenerateError } from "./errors.js";
import type { PromptReader } from "./prompt.js";

/** What an exported model says about itself. */
export interface ModelDescription {
  /** a student makes samples from noise; a denoiser is one step of a teacher's sampler */
  kind: "student" | "denoiser";
  /** of one sample: `[C, H, W]` for images, `[D]` for points */
  sampleShape: readonly number[];
  /** of one latent of a student; `sampleShape` if absent */
  latentShape?: readonly number[];
  /** of a student: passes through the network, each with noise of its own */
  steps?: number;
  /** number of classes, 0 for none */
  labelDim: number;
  /** names of the classes in their order, where they have names */
  classNames?: readonly string[];
  /** how it reads prompts, if it is told a text; `prompts` are some of its training */
  text?: PromptReader & { readonly prompts: readonly string[] };
  /** shapes by name of what it is told if something else encodes that, such as a text encoder's states */
  encoded?: Readonly<Record<string, readonly number[]>>;
  precision: "f32" | "f16" | "int8";
  /** a denoiser's range of noise levels */
  sigmaMin?: number;
  sigmaMax?: number;
  /** the only noise levels a denoiser knows, falling; all of its range if absent */
  levels?: readonly number[];
}

/** Name of the entry in an ONNX file's metadata that holds the description as JSON. */
export const descriptionKey = "disback";

/** Field numbers of ONNX's messages ModelProto and StringStringEntryProto. */
const metadataProps = 14;
const [key, value] = [1, 2];

/**
 * Reads the description in an ONNX file without looking at the rest of it.
 * @param origin the file's name, for messages
 * @throws GenerateError if it is no ONNX file, or not one that `disback export` wrote
 */
export function readDescription(model: Uint8Array, origin: string): ModelDescription {
  let text: string | undefined;
  try {
    const reader = new BinaryReader(model);
    while (text === undefined && reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (field !== metadataProps) reader.skip(wireType, field);
      else text = entryNamed(descriptionKey, reader.bytes());
    }
  } catch {
    throw new GenerateError(`${origin}: not an ONNX file, or a damaged one`);
  }
  if (text === undefined) {
    throw new GenerateError(`${origin}: not a model that disback export wrote (its description is missing)`);
  }
  return JSON.parse(text) as ModelDescription;
}

function entryNamed(name: string, bytes: Uint8Array): string | undefined {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, string>();
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === key || field === value) fields.set(field, reader.string());
    else reader.skip(wireType, field);
  }
  return fields.get(key) === name ? fields.get(value) : undefined;
}
