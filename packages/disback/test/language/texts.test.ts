import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openDataset } from "../../src/data/dataset.js";
import { openLanguageModel } from "../../src/import/language/open-language-model.js";
import { CharacterModel } from "../../src/metrics/texts/character-model.js";
import { TextReference } from "../../src/metrics/texts/text-figures.js";
import { END_OF_TEXT, learnBytePairs } from "../../src/text/language/byte-pairs.js";
import { Letters } from "../../src/text/language/letters.js";
import { languagePrompts } from "../../src/text/language/prompts.js";
import { TokenizerLanguage } from "../../src/text/language/tokenizer-language.js";
import { fixture } from "./fixtures.js";

const folder = mkdtempSync(join(tmpdir(), "texts-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("texts as data", () => {
  it("gives windows from the beginning of each line", async () => {
    const file = join(folder, "a.txt");
    writeFileSync(file, "abc\r\nab\nabcab\n");
    const language = new Letters(["\n", "a", "b", "c"]);
    const dataset = await openDataset(file, { text: { language, length: 4 } });
    const { samples } = await dataset.batch([0, 1, 2]);
    expect(dataset.length).toBe(3);
    const rows = (samples.toArray() as number[][]).map((row) => language.decode(row));
    expect(rows).toEqual(["abc\n", "ab\na", "abca"]);
    expect(dataset.text!.text).toBe("abc\nab\nabcab\n");
  });

  it("refuses in one line what is no text, too short, or of other letters", async () => {
    const write = (name: string, content: string | Uint8Array) => {
      const path = join(folder, name);
      writeFileSync(path, content);
      return path;
    };
    await expect(openDataset(write("empty.txt", ""))).rejects.toThrow(/empty/);
    await expect(openDataset(write("blank.txt", " \n\n"))).rejects.toThrow(/there is no text in it/);
    await expect(openDataset(write("bytes.txt", Uint8Array.of(97, 0xff)))).rejects.toThrow(
      /is not text in UTF-8/,
    );
    await expect(openDataset(write("short.txt", "ab"))).rejects.toThrow(
      /2 letters are less than one sample of 64/,
    );
    const language = new Letters(["a"]);
    await expect(openDataset(write("b.txt", "ab"), { text: { language, length: 1 } })).rejects.toThrow(
      /has "b"/,
    );
    const sub = join(folder, "several");
    mkdirSync(sub);
    writeFileSync(join(sub, "2.txt"), "second\n");
    writeFileSync(join(sub, "1.txt"), "first\n");
    const all = await openDataset(sub, { text: { language: new Letters([..."\ncdefinorst"]), length: 3 } });
    expect(all.text!.text).toBe("first\n\nsecond\n");
  });
});

describe("byte pairs", () => {
  const text = "low lower lowest low low newer newest\n".repeat(5);

  it("merge the most frequent pair first, and read every text back", () => {
    const json = learnBytePairs(text, 262) as {
      model: { merges: string[][]; vocab: Record<string, number> };
    };
    expect(json.model.vocab[END_OF_TEXT]).toBe(0);
    expect(Object.keys(json.model.vocab)).toHaveLength(262);
    // "lo" and "ow" come 5 times in a repeat, once without a space before: "lo" is first in the alphabet.
    expect(json.model.merges[0]).toEqual(["l", "o"]);
    expect(json.model.merges[1]).toEqual(["lo", "w"]);
    const language = new TokenizerLanguage(json, { size: 262, end: 0 }, "test");
    for (const one of [text, "Überraschung: 12 €\n\n\tend "])
      expect(language.decode(language.encode(one))).toBe(one);
    expect(language.encode("low").length).toBe(1);
    expect(language.decode([...language.encode("low"), 0, ...language.encode("er")])).toBe("low");
    expect(() => learnBytePairs(text, 200)).toThrow(/"vocabularySize": 200 is too small/);
  });

  it("are read as transformers reads them", async () => {
    const { language } = await openLanguageModel(fixture("llama"));
    const { tokens } = languagePrompts(["Once", "Once upon"], language).conditions([0, 1], "cpu");
    const [first, second] = tokens!.toArray() as [number[], number[]];
    expect(first[0]).toBeGreaterThan(0);
    expect(first.at(-1)).toBe(0);
    expect(language.decode(second.map((number) => number - 1))).toBe("Once upon");
    expect(() => languagePrompts([""], language)).toThrow(/prompt: is empty/);
  });
});

describe("figures of texts", () => {
  it("the character model is Witten and Bell's", () => {
    // After "": a twice, b once, 2 different ones; the alphabet counts one more for all others.
    const model = new CharacterModel("aab");
    const empty = (count: number) => (count + 2 / 3) / (3 + 2);
    expect(model.surprise(["a"])).toBeCloseTo(-Math.log(empty(2)), 10);
    // After "a": a once, b once.
    const afterA = (1 + 2 * empty(1)) / (2 + 2);
    expect(model.surprise(["a", "b"])).toBeCloseTo(-Math.log(empty(2)) - Math.log(afterA), 10);
    expect(model.surprise(["z"])).toBeCloseTo(-Math.log(empty(0)), 10);
  });

  it("tell good texts from bad and repeated ones", () => {
    const sentences = ["the cat sat on the mat", "a dog ran to the old house", "the house had a red door"];
    const text = Array.from({ length: 60 }, (_, index) => sentences[index % 3]).join("\n");
    const reference = new TextReference(text);
    const good = reference.compare(text.split("\n"));
    const bad = reference.compare(["xq zzv kkw pqx vvz qqk", "wwx zkq jjq xxz"]);
    const repeated = reference.compare(Array(60).fill("the cat sat on the mat"));
    expect(good.trigramDivergence).toBeLessThan(0.1);
    expect(good.validWords).toBe(1);
    expect(bad.trigramDivergence).toBeGreaterThan(0.9);
    expect(bad.validWords).toBe(0);
    expect(bad.textPerplexity).toBeGreaterThan(10 * good.textPerplexity);
    expect(repeated.textPerplexity).toBeLessThan(1.5 * good.textPerplexity);
    expect(repeated.trigramDivergence).toBeGreaterThan(2 * good.trigramDivergence);
    expect(repeated.distinctPairs!).toBeLessThan(good.distinctPairs!);
    expect(new TextReference("abcdefgh".repeat(40)).compare(["abcd"])).not.toHaveProperty("validWords");
  });
});
