import { readFileSync } from "node:fs";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { DisbackError } from "../../errors.js";
import { specialToken, type TokenizerSettings } from "./settings.js";

/** The fields of sentencepiece_model.proto that a tokenizer needs. */
interface PieceModel {
  /** token and logarithm of its probability */
  pieces: [string, number][];
  unknown: number;
  /** 1 for unigram, 2 for byte pairs */
  kind: number;
  /** rewriting of characters, as a compiled table */
  characters: Uint8Array;
}

/** Number of tokens `<extra_id_0>` … that T5's tokenizer adds to its file's. */
const usualExtras = 100;

/**
 * T5's tokenizer (unigram language model, Kudo 2018) as a `tokenizer.json`.
 * @param path of `spiece.model`, a sentencepiece model
 * @throws DisbackError naming the file if it is damaged or of another kind
 */
export function sentencePieceTokenizer(path: string, settings: TokenizerSettings): object {
  const model = readPieces(path);
  if (model.kind !== 1) throw new DisbackError(`${path}: only unigram models of sentencepiece are supported`);
  const ids = new Map(model.pieces.map(([piece], id) => [piece, id]));
  const extras = settings["extra_ids"] ?? usualExtras;
  if (typeof extras !== "number") throw new DisbackError(`${path}: "extra_ids" beside it must be a number`);
  const vocab = [...model.pieces];
  for (let extra = extras - 1; extra >= 0; extra--) {
    const token = `<extra_id_${extra}>`;
    if (ids.has(token)) continue;
    ids.set(token, vocab.length);
    vocab.push([token, 0]);
  }
  const special = (name: string, usual: string) => {
    const token = specialToken(settings, name, usual);
    const id = ids.get(token.content);
    if (id === undefined) throw new DisbackError(`${path}: has no token "${token.content}"`);
    return { ...token, id };
  };
  const end = special("eos_token", "</s>");
  const extraTokens = Array.from({ length: extras }, (_, extra) => {
    const content = `<extra_id_${extra}>`;
    return { ...specialToken({}, "", content), id: ids.get(content)! };
  });
  const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true };
  const sequence = [{ Sequence: { id: "A", type_id: 0 } }, { SpecialToken: { id: end.content, type_id: 0 } }];
  return {
    added_tokens: [special("pad_token", "<pad>"), end, special("unk_token", "<unk>"), ...extraTokens],
    normalizer:
      model.characters.length === 0
        ? null
        : { type: "Precompiled", precompiled_charsmap: Buffer.from(model.characters).toString("base64") },
    pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "WhitespaceSplit" }, metaspace] },
    post_processor: {
      type: "TemplateProcessing",
      single: sequence,
      pair: [...sequence, { Sequence: { id: "B", type_id: 0 } }],
      special_tokens: { [end.content]: { id: end.content, ids: [end.id], tokens: [end.content] } },
    },
    decoder: metaspace,
    model: { type: "Unigram", unk_id: model.unknown, vocab, byte_fallback: false },
  };
}

/** Reads a ModelProto of sentencepiece_model.proto. */
function readPieces(path: string): PieceModel {
  const model: PieceModel = { pieces: [], unknown: 0, kind: 1, characters: new Uint8Array() };
  try {
    readMessage(readFileSync(path), {
      // pieces: the token, the logarithm of its probability
      1: (pieces) => {
        const read = { piece: "", score: 0 };
        readMessage(pieces.bytes(), {
          1: (reader) => {
            read.piece = reader.string();
          },
          2: (reader) => {
            read.score = reader.float();
          },
        });
        model.pieces.push([read.piece, read.score]);
      },
      // trainer_spec: model_type, unk_id
      2: (trainer) =>
        readMessage(trainer.bytes(), {
          3: (reader) => {
            model.kind = reader.int32();
          },
          40: (reader) => {
            model.unknown = reader.int32();
          },
        }),
      // normalizer_spec: precompiled_charsmap
      3: (normalizer) =>
        readMessage(normalizer.bytes(), {
          2: (reader) => {
            model.characters = reader.bytes();
          },
        }),
    });
  } catch (error) {
    throw new DisbackError(`${path}: not a sentencepiece model: ${(error as Error).message}`);
  }
  if (model.pieces.length === 0)
    throw new DisbackError(`${path}: not a sentencepiece model: it has no tokens`);
  return model;
}

/** Reads the known fields of a protocol buffer message and skips the others. */
function readMessage(
  bytes: Uint8Array,
  fields: Readonly<Record<number, (reader: BinaryReader) => void>>,
): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    const read = fields[field];
    if (read) read(reader);
    else reader.skip(wire, field);
  }
}
