import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randn, zeros } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { quantizations } from "../../src/import/gguf/dequantize.js";
import { openLanguageModel } from "../../src/import/language/open-language-model.js";
import { KeyValueCache } from "../../src/models/language/key-value-cache.js";
import { difference, expected, fixture } from "./fixtures.js";

describe("reading language models", () => {
  it.each([
    ["llama", "llama", "llama"],
    ["gpt2", "gpt2", "gpt2"],
    ["gguf", "llama.gguf", "llama"],
  ])("%s: logits are those of transformers", async (reference, source) => {
    const { model } = await openLanguageModel(fixture(source));
    const given = expected(reference);
    expect(difference(model.logits(given.get("ids")!), given.get("logits")!)).toBeLessThan(1e-4);
  });

  it.each(["llama", "gpt2"])("%s: continues a prompt as transformers does, greedily", async (name) => {
    const { model, language } = await openLanguageModel(fixture(name), { length: 12 });
    const given = expected(name).get("greedy")!;
    const prompt = language.encode("Once upon");
    model.sampling = { temperature: 0, topP: 1 };
    const tokens = zeros([1, prompt.length], { dtype: "int64" });
    for (const [place, id] of prompt.entries()) tokens.setAt([0, place], id + 1);
    const made = model.generate(randn([1, 12]), { tokens });
    expect(made.toArray()).toEqual(given.toArray());
    expect(language.decode(prompt)).toBe("Once upon");
  });

  it.each(["llama", "gpt2"])("%s: a cache changes nothing, in single and in several tokens", async (name) => {
    const { model } = await openLanguageModel(fixture(name));
    const ids = expected(name).get("ids")!;
    const whole = model.logits(ids);
    const cache = new KeyValueCache(11);
    const parts = [4, 1, 3, 1, 2];
    let start = 0;
    for (const count of parts) {
      const seen = model.logits(ids.narrow(1, start, count), cache);
      expect(difference(seen, whole.narrow(1, start, count))).toBeLessThan(1e-4);
      start += count;
    }
    cache.dispose();
  });

  it("reads every quantization as ggml does", () => {
    const given = expected("quantizations");
    const names = [...given.keys()].filter((key) => key.endsWith(".bytes"));
    expect(names).toHaveLength(10);
    for (const key of names) {
      const name = key.replace(".bytes", "");
      const bytes = given.get(key)!;
      const kind = quantizations.get(given.get(`${name}.number`)!.item())!;
      const wanted = given.get(`${name}.values`)!.data() as Float32Array;
      const out = new Float32Array(wanted.length);
      const raw = bytes.bytes();
      const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
      for (let block = 0; block * kind.values < out.length; block++)
        kind.read(view, block * kind.bytes, out, block * kind.values);
      const worst = Math.max(...out.map((value, index) => Math.abs(value - wanted[index]!)));
      expect(worst, name).toBeLessThan(1e-5);
      expect(kind.name).toBe(name);
    }
  });

  it("refuses in one line what it cannot read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "language-"));
    const broken = (name: string, change: (path: string) => void) => {
      const path = join(folder, name);
      cpSync(fixture("llama"), path, { recursive: true });
      change(path);
      return openLanguageModel(path);
    };
    const config = (path: string, fields: object) => {
      const file = join(path, "config.json");
      writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...fields }));
    };
    await expect(broken("a", (path) => config(path, { model_type: "qwen2" }))).rejects.toThrow(
      /config.json: "model_type" is qwen2; language models of llama and gpt2 are supported/,
    );
    await expect(broken("b", (path) => rmSync(join(path, "tokenizer.json")))).rejects.toThrow(
      /no tokenizer: there is no tokenizer.json/,
    );
    await expect(broken("c", (path) => config(path, { hidden_act: "relu" }))).rejects.toThrow(/hidden_act/);
    await expect(broken("d", (path) => config(path, { num_hidden_layers: 3 }))).rejects.toThrow(
      /missing weights: model.layers.2/,
    );
    const bytes = readFileSync(fixture("llama.gguf"));
    const cut = join(folder, "cut.gguf");
    writeFileSync(cut, bytes.subarray(0, bytes.length - 100));
    await expect(openLanguageModel(cut)).rejects.toThrow(/cut off/);
    writeFileSync(cut, bytes.subarray(0, 3000));
    await expect(openLanguageModel(cut)).rejects.toThrow(/cut.gguf: its header is damaged or cut off/);
    await expect(openLanguageModel(fixture("llama"), { length: 32 })).rejects.toThrow(/takes 1 to 31/);
    rmSync(folder, { recursive: true });
  });
});
