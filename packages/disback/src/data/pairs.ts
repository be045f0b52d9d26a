import { createHash } from "node:crypto";
import { DisbackError } from "../errors.js";
import type { Language } from "../text/language/language.js";
import type { LeftOut } from "./left-out.js";
import type { SampleArrays, SampleSource } from "./samples.js";

/**
 * Pictures with their words: a sample is the picture's pixels and then the number of each letter, `[pixels + L]`. Words that are
 * too short end in spaces.
 */
export class Pairs implements SampleSource {
  readonly name: string;
  readonly sampleShape: readonly number[];
  readonly length: number;
  readonly labelDim = 0;
  readonly leftOut: readonly LeftOut[];
  readonly notes: readonly string[];
  private readonly letters: Float32Array[];

  /** @param words of each picture, of at most `textLength` letters that the language knows */
  constructor(
    private readonly pictures: SampleSource,
    words: readonly string[],
    { language, textLength }: { language: Language; textLength: number },
  ) {
    const pixels = pictures.sampleShape.reduce((product, side) => product * side, 1);
    this.name = pictures.name;
    this.sampleShape = [pixels + textLength];
    this.length = pictures.length;
    this.leftOut = pictures.leftOut ?? [];
    this.notes = pictures.notes ?? [];
    const known = new Map<string, Float32Array>();
    this.letters = words.map((word) => {
      const numbers = known.get(word) ?? Float32Array.from(language.encode(word.padEnd(textLength)));
      known.set(word, numbers);
      return numbers;
    });
  }

  async read(indices: ArrayLike<number>): Promise<SampleArrays> {
    const { samples: pictures } = await this.pictures.read(indices);
    const [size] = this.sampleShape as [number];
    const pixels = pictures.length / indices.length;
    const samples = new Float32Array(indices.length * size);
    for (let row = 0; row < indices.length; row++) {
      samples.set(pictures.subarray(row * pixels, (row + 1) * pixels), row * size);
      samples.set(this.letters[indices[row]!]!, row * size + pixels);
    }
    return { samples };
  }

  async fingerprint(): Promise<string> {
    const hash = createHash("sha256").update(await this.pictures.fingerprint());
    for (const numbers of this.letters) hash.update(new Uint8Array(numbers.buffer));
    return hash.digest("hex");
  }
}

/**
 * The word of each picture, in lower case: its caption, or its class's name.
 * @param origin what the user named, for the message
 * @throws DisbackError where there is neither
 */
export function requireWords(
  { captions, classNames, classes }: SampleSource,
  origin: string,
): readonly string[] {
  if (captions?.some((caption) => caption.trim() !== ""))
    return captions.map((caption) => caption.trim().toLowerCase());
  if (!classes || !classNames)
    throw new DisbackError(`${origin}: has neither captions nor classes with names, so no words`);
  return Array.from(classes, (place) => classNames[place]!.toLowerCase());
}
