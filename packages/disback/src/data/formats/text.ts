import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { DisbackError } from "../../errors.js";
import type { Language } from "../../text/language/language.js";
import { lettersOf } from "../../text/language/letters.js";
import type { SampleArrays, SampleSource } from "../samples.js";
import { isHiddenName } from "./hidden.js";

/** How a text becomes samples. */
export interface TextForm {
  /** what reads it; default letter by letter, with the text's own letters */
  language?: Language | undefined;
  /** tokens of a sample */
  length: number;
}

/** Tokens of a sample where none is given. */
export const usualTextLength = 64;
/** Largest text in memory. */
const mostBytes = 512 * 2 ** 20;

/** Whether a source is text: a `.txt` file, or a folder with nothing else. */
export function isText(source: string): boolean {
  if (!existsSync(source)) return false;
  if (!statSync(source).isDirectory()) return /\.txt$/i.test(source);
  const files = filesOf(source);
  return files.length > 0 && files.every((file) => /\.txt$/i.test(file));
}

/** All of a source's text, files in the order of their names. @throws DisbackError naming a file that is empty, too large or no UTF-8 */
export function readText(source: string): string {
  const files = statSync(source).isDirectory() ? filesOf(source) : [source];
  let bytes = 0;
  const texts = files.map((file) => {
    bytes += statSync(file).size;
    if (bytes > mostBytes)
      throw new DisbackError(`${source}: more than ${mostBytes / 2 ** 20} MiB of text: give a part of it`);
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file)).replace(/\r\n?/g, "\n");
    } catch (error) {
      if (error instanceof TypeError) throw new DisbackError(`${file}: is not text in UTF-8`);
      throw error;
    }
  });
  const text = texts.join("\n");
  if (text.trim() === "") throw new DisbackError(`${source}: there is no text in it`);
  return text;
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !isHiddenName(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesOf(path) : [path];
    });
}

/**
 * A text as samples: windows of equally many tokens, from the beginning of each line on and every `length` tokens within it.
 * A window runs on into the next lines.
 * @throws DisbackError if there is less text than one sample, or naming letters that the language lacks
 */
export function openText(source: string, name: string, form: TextForm | undefined): TextSource {
  return textSamples(readText(source), form?.language ? name : basename(source), form, source);
}

/** Samples of a text that is at hand. @param origin for messages */
export function textSamples(
  text: string,
  name: string,
  { language, length }: TextForm = { length: usualTextLength },
  origin = name,
): TextSource {
  const coder = language ?? lettersOf(text, origin);
  const lines = text.split(/(?<=\n)/).map((line) => coder.encode(line));
  const total = lines.reduce((sum, { length }) => sum + length, 0);
  if (total < length)
    throw new DisbackError(`${origin}: ${total} ${coder.unit} are less than one sample of ${length}`);
  const tokens = new Float32Array(total);
  const starts: number[] = [];
  let place = 0;
  for (const line of lines) {
    tokens.set(line, place);
    for (let start = place; start < place + line.length; start += length)
      if (start + length <= total) starts.push(start);
    place += line.length;
  }
  return new TextSource(name, text, coder, tokens, starts, length);
}

/** Samples `[length]`: numbers of tokens. */
export class TextSource implements SampleSource {
  readonly labelDim = 0;
  readonly sampleShape: readonly number[];
  readonly length: number;

  constructor(
    readonly name: string,
    readonly text: string,
    readonly language: Language,
    private readonly tokens: Float32Array,
    private readonly starts: readonly number[],
    private readonly size: number,
  ) {
    this.sampleShape = [size];
    this.length = starts.length;
  }

  read(indices: ArrayLike<number>): Promise<SampleArrays> {
    const samples = new Float32Array(indices.length * this.size);
    for (let row = 0; row < indices.length; row++) {
      const start = this.starts[indices[row]!]!;
      samples.set(this.tokens.subarray(start, start + this.size), row * this.size);
    }
    return Promise.resolve({ samples });
  }

  fingerprint(): Promise<string> {
    const hash = createHash("sha256").update(`${this.size}\0`).update(this.tokens);
    return Promise.resolve(hash.digest("hex"));
  }
}
