import { closeSync, openSync, readSync } from "node:fs";
import { fromTypedArray, keep, ops, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { LanguageOptions } from "../../models/language/options.js";
import { byteLevel, bytePairTokenizer, END_OF_TEXT } from "../../text/language/byte-pairs.js";
import { shown } from "../pickle/text-values.js";
import { quantizations } from "./dequantize.js";
import { type GgufHeader, type GgufTensor, readGgufHeader } from "./header.js";

/** A llama as a GGUF file describes it. */
export interface GgufLlama {
  options: LanguageOptions;
  /** as of `tokenizer.json` */
  tokenizer: object;
  /** weights under transformers' keys, in float32 */
  tensors(): Map<string, Tensor>;
}

/** transformers' keys of a layer's weights. */
const layerKeys: Readonly<Record<string, string>> = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  ffn_norm: "post_attention_layernorm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};
const otherKeys: Readonly<Record<string, string>> = {
  "token_embd.weight": "model.embed_tokens.weight",
  "output_norm.weight": "model.norm.weight",
  "output.weight": "lm_head.weight",
};

/** Reads a GGUF file of a llama. @throws DisbackError naming the file and what it has that is not supported */
export function readGgufLlama(path: string): GgufLlama {
  const header = readGgufHeader(path);
  const fields = new Fields(path, header);
  const architecture = fields.text("general.architecture");
  if (architecture !== "llama")
    throw new DisbackError(`${path}: "general.architecture" is ${shown(architecture)}; llama is supported`);
  const tokens = fields.texts("tokenizer.ggml.tokens");
  const options = describe(fields, header, tokens);
  return {
    options,
    tokenizer: tokenizerOf(fields, tokens),
    tensors: () => readTensors(path, header, options),
  };
}

function describe(fields: Fields, { tensors, metadata }: GgufHeader, tokens: string[]): LanguageOptions {
  const scaling = metadata.get("llama.rope.scaling.type");
  if (scaling !== undefined && scaling !== "none") fields.refuse("llama.rope.scaling.type", scaling);
  if (tensors.has("rope_freqs.weight")) fields.refuse("rope_freqs.weight", "there");
  const channels = fields.count("llama.embedding_length");
  const heads = fields.count("llama.attention.head_count");
  const headChannels = fields.count("llama.attention.key_length", channels / heads);
  if (fields.count("llama.rope.dimension_count", headChannels) !== headChannels)
    fields.refuse("llama.rope.dimension_count", metadata.get("llama.rope.dimension_count"));
  const end = fields.count("tokenizer.ggml.eos_token_id", 0);
  const endOfText = tokens.indexOf(END_OF_TEXT);
  const begin = fields.count("tokenizer.ggml.bos_token_id", end);
  // Without a mark of its own before each text, a text begins after the end of another.
  const marked = metadata.get("tokenizer.ggml.add_bos_token") !== false;
  return {
    layout: "llama",
    tokens: tokens.length,
    begin: marked || endOfText === -1 ? begin : endOfText,
    end,
    places: fields.count("llama.context_length"),
    channels,
    layers: fields.count("llama.block_count"),
    heads,
    keyValueHeads: fields.count("llama.attention.head_count_kv", heads),
    headChannels,
    feedForwardChannels: fields.count("llama.feed_forward_length"),
    normalizationEps: fields.number("llama.attention.layer_norm_rms_epsilon", 1e-5),
    rotaryBase: fields.number("llama.rope.freq_base", 10000),
    activation: "gelu",
    tied: !tensors.has("output.weight"),
  };
}

const CONTROL = 3;

function tokenizerOf(fields: Fields, tokens: readonly string[]): object {
  const model = fields.text("tokenizer.ggml.model");
  if (model !== "gpt2") fields.refuse("tokenizer.ggml.model", model);
  const kind = fields.text("tokenizer.ggml.pre", "gpt-2");
  const digits = { type: "Digits", individual_digits: true };
  const splits: Readonly<Record<string, object>> = {
    "gpt-2": byteLevel,
    smollm: { type: "Sequence", pretokenizers: [digits, byteLevel] },
  };
  const splitter = splits[kind] ?? fields.refuse("tokenizer.ggml.pre", kind);
  const types = fields.numbers("tokenizer.ggml.token_type");
  return bytePairTokenizer({
    tokens,
    merges: fields.texts("tokenizer.ggml.merges").map((pair) => pair.split(" ")),
    special: tokens.flatMap((_, id) => (types[id] === CONTROL ? [id] : [])),
    splitter,
  });
}

function readTensors(path: string, { tensors }: GgufHeader, options: LanguageOptions): Map<string, Tensor> {
  const file = openSync(path, "r");
  try {
    return new Map(
      [...tensors].map(([name, tensor]) => {
        const key = keyOf(name) ?? fail(path, `${shown(name)} is no weight of a llama`);
        return [key, inOrder(key, readTensor(file, path, name, tensor), options)];
      }),
    );
  } finally {
    closeSync(file);
  }
}

function keyOf(name: string): string | undefined {
  const part = /^blk\.(\d+)\.(\w+)\.weight$/.exec(name);
  if (!part) return otherKeys[name];
  const key = layerKeys[part[2]!];
  return key && `model.layers.${part[1]}.${key}.weight`;
}

function readTensor(file: number, path: string, name: string, { shape, type, offset }: GgufTensor): Tensor {
  const quantization = quantizations.get(type);
  if (!quantization) {
    const known = [...quantizations.values()].map((one) => one.name).join(", ");
    return fail(path, `${name} is stored in format ${type}; known are ${known}`);
  }
  const count = shape.reduce((product, size) => product * size, 1);
  const { values, bytes } = quantization;
  if (count % values !== 0) return fail(path, `${name} has ${count} values, no whole blocks of ${values}`);
  const stored = Buffer.alloc((count / values) * bytes);
  if (readSync(file, stored, 0, stored.length, offset) !== stored.length)
    return fail(path, `ends within ${name}: it is cut off`);
  const view = new DataView(stored.buffer, stored.byteOffset, stored.length);
  const out = new Float32Array(count);
  for (let block = 0; block * values < count; block++)
    quantization.read(view, block * bytes, out, block * values);
  return keep(fromTypedArray(out, shape));
}

/** Queries and keys are stored for a rotation of neighbouring channels; transformers turns halves. */
function inOrder(key: string, weight: Tensor, { heads, keyValueHeads }: LanguageOptions): Tensor {
  const count = /q_proj/.test(key) ? heads : /k_proj/.test(key) ? keyValueHeads : undefined;
  if (count === undefined) return weight;
  const ordered = scope(() =>
    keep(ops.unflatten(weight, 0, [count, -1, 2]).transpose(1, 2).reshape(weight.shape).contiguous()),
  );
  weight.dispose();
  return ordered;
}

function fail(path: string, problem: string): never {
  throw new DisbackError(`${path}: ${problem}`);
}

/** Metadata by name. Errors name file and field. */
class Fields {
  constructor(
    private readonly path: string,
    private readonly header: GgufHeader,
  ) {}

  refuse(name: string, value: unknown): never {
    return fail(this.path, `"${name}" is ${shown(String(value))}, which is not supported`);
  }

  text(name: string, usual?: string): string {
    return this.get(name, "a text", (value): value is string => typeof value === "string", usual);
  }

  number(name: string, usual?: number): number {
    return this.get(
      name,
      "a number above 0",
      (value): value is number => typeof value === "number" && value > 0,
      usual,
    );
  }

  count(name: string, usual?: number): number {
    return this.get(name, "a whole number", (value): value is number => Number.isSafeInteger(value), usual);
  }

  texts(name: string): string[] {
    return this.get(
      name,
      "a list of texts",
      (value): value is string[] => Array.isArray(value) && value.every((one) => typeof one === "string"),
    );
  }

  numbers(name: string): number[] {
    return this.get(
      name,
      "a list of numbers",
      (value): value is number[] => Array.isArray(value) && value.every((one) => typeof one === "number"),
    );
  }

  private get<T>(name: string, what: string, is: (value: unknown) => value is T, usual?: T): T {
    const value = this.header.metadata.get(name) ?? usual;
    if (value === undefined) return fail(this.path, `has no "${name}"`);
    return is(value) ? value : fail(this.path, `"${name}" must be ${what}`);
  }
}
