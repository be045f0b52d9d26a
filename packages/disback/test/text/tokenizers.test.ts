import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTokenizer } from "../../src/import/tokenizers/open-tokenizer.js";

interface Reference {
  prompts: string[];
  tokenizers: Record<string, { longest: number; ids: number[][]; mask: number[][] }>;
}

const folder = fileURLToPath(new URL("../fixtures/text", import.meta.url));
const { prompts, tokenizers } = JSON.parse(readFileSync(join(folder, "tokens.json"), "utf8")) as Reference;

describe("tokenizers beside transformers' own", () => {
  it.each(Object.entries(tokenizers))("%s: the same tokens, padded and cut", (name, expected) => {
    const tokenizer = openTokenizer(join(folder, name));
    expect(tokenizer.longest).toBe(expected.longest);
    const { ids, mask } = tokenizer.encode(prompts, { length: expected.longest });
    for (const [row, prompt] of prompts.entries()) {
      expect((ids.select(0, row).toArray() as unknown[]).map(Number), prompt).toEqual(expected.ids[row]);
      expect((mask.select(0, row).toArray() as unknown[]).map(Number), prompt).toEqual(expected.mask[row]);
    }
  });

  it("spells in bytes what no token covers", () => {
    const tokenizer = openTokenizer(join(folder, "bytes-json"));
    const expected = JSON.parse(readFileSync(join(folder, "bytes.json"), "utf8")) as { ids: number[][] };
    const ids = prompts.map((prompt) => tokenizer.ids(prompt, Number.POSITIVE_INFINITY));
    expect(ids).toEqual(expected.ids);
  });

  it("tells which texts it cut, and pads to the longest", () => {
    const tokenizer = openTokenizer(join(folder, "clip"));
    const { ids, cut } = tokenizer.encode(["a cat", "photo ".repeat(60), ""]);
    expect(ids.shape).toEqual([3, 20]);
    expect(cut).toEqual([1]);
    expect(tokenizer.encode(["", ""]).ids.shape).toEqual([2, 2]);
  });
});

describe("tokenizers that cannot be read", () => {
  let place: string;
  beforeAll(() => {
    place = mkdtempSync(join(tmpdir(), "disback-tokenizer-"));
  });
  afterAll(() => rmSync(place, { recursive: true }));
  const put = (files: Record<string, string>) => {
    rmSync(place, { recursive: true });
    place = mkdtempSync(join(tmpdir(), "disback-tokenizer-"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text);
    return place;
  };

  it.each<[Record<string, string>, string]>([
    [{}, "no tokenizer: there is no tokenizer.json, vocab.json, spiece.model or vocab.txt"],
    [{ "vocab.json": "{}" }, "merges.txt: no such file"],
    [{ "vocab.json": "[]", "merges.txt": "" }, "vocab.json: not a JSON object"],
    [
      { "vocab.json": '{"a": -1}', "merges.txt": "" },
      "vocab.json: every token of a vocabulary needs a whole number",
    ],
    [{ "vocab.json": "{}", "merges.txt": "a b c" }, 'merges.txt: pair 1 is "a b c", not two tokens'],
    [{ "vocab.json": '{"a": 0}', "merges.txt": "a b" }, 'vocab.json: has no token "<|endoftext|>"'],
    [{ "spiece.model": "no model" }, "spiece.model: not a sentencepiece model"],
    [{ "vocab.txt": "a\nb" }, "vocab.txt: has no token"],
    [{ "tokenizer.json": '{"model": {"type": "Other"}}' }, "tokenizer.json: cannot be read as a tokenizer"],
    [{ "tokenizer.json": "{" }, "tokenizer.json: not valid JSON"],
  ])("%j", (files, problem) => {
    expect(() => openTokenizer(put(files))).toThrow(problem);
  });
});
