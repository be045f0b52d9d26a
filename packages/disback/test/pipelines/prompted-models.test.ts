import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inferenceMode, randn } from "@disback/torch";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DenoiserModule } from "../../src/models/denoiser.js";
import { openModel } from "../../src/runs/open-model.js";
import { readPrompts } from "../../src/runs/prompts.js";
import { openDrawer } from "../../src/runs/sample-drawer.js";
import { relativeError } from "../models/fixtures.js";
import { copyOf, makeFlux, pipelinePath, reference, tokenizerPath, writeSingleFile } from "./fixtures.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-prompted-"));
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const sampling = { sampler: "heun", sigmaMin: 0.1, sigmaMax: 10, rho: 7, steps: 2, seed: 1 } as const;
const open = (source: string, more: object = {}) =>
  openDrawer(source, { ...sampling, device: "cpu", ...more });

describe("a pipeline as a model", () => {
  // Flux's folder has TAESD, the others AutoencoderKL.
  it.each(["sd", "sdxl", "sd3", "flux"])(
    "%s: is saved with what encodes its prompts, and opened again",
    async (name) => {
      const prompts = ["a cat", "a red dog"];
      const pipeline = { resolution: 16 };
      const model = await openModel(pipelinePath(name), { device: "cpu", prompts, pipeline });
      const saved = join(folder, "model");
      model.save(saved, model.module);
      const again = await openModel(saved, { device: "cpu" });
      expect(again.prompts!.texts).toEqual(prompts);
      expect(again.facts).toEqual(model.facts);
      const x = randn([2, ...model.facts.sampleShape]);
      const sigma = randn([2]).abs().add(0.5);
      const [a, b] = [model, again].map(({ module, prompts }) =>
        inferenceMode(() => (module as DenoiserModule).denoise(x, sigma, prompts!.conditions([0, 1]))),
      );
      expect(relativeError(b!, a!)).toBeLessThan(1e-6);
      const value = reference(name);
      expect(relativeError(again.codec.decode(value("latents")), value("decoded"))).toBeLessThan(1e-4);
      const others = await openModel(saved, { device: "cpu", prompts: ["a house"] });
      expect(others.prompts!.texts).toEqual(["a house"]);
      expect(() => model.module.clone()).not.toThrow();
    },
  );

  it.each(["sd3", "flux"])("%s: draws what diffusers draws from the same latents", async (name) => {
    const values = reference("flow-sampling");
    const source = name === "flux" ? makeFlux(join(folder, "flux")) : pipelinePath(name);
    const guided = name === "flux" ? {} : { guidance: 3, negativePrompt: "a house" };
    const pipeline = { resolution: 16, ...(name === "flux" ? { embeddedGuidance: 2 } : {}) };
    const drawer = await open(source, {
      ...{ prompts: ["a photo of a cat", "two dogs"], pipeline, ...guided },
      // PyTorch's generator gives the same noise from the same seed.
      ...{ sampler: "euler", sigmaMax: 20, steps: 3, seed: 8 },
    });
    expect(relativeError(drawer.draw(2).samples, values(`${name}_picture`))).toBeLessThan(1e-4);
  });

  it("wan: three steps give diffusers' clips", async () => {
    const drawer = await open(pipelinePath("wan"), {
      ...{ prompts: ["a photo of a cat", "two dogs"], pipeline: { resolution: 16, frames: 5 } },
      ...{ guidance: 3, negativePrompt: "a house", sampler: "euler", sigmaMax: 20, steps: 3, seed: 8 },
    });
    const { samples } = drawer.draw(2);
    expect(samples.shape).toEqual([2, 3, 5, 16, 16]);
    expect(relativeError(samples, reference("wan")("clips"))).toBeLessThan(1e-4);
    const wide = { resolution: 16, width: 24, frames: 1 };
    const other = await open(pipelinePath("wan"), { prompts: ["a cat"], pipeline: wide, steps: 2 });
    expect(other.draw(1).samples.shape).toEqual([1, 3, 1, 16, 24]);
  });

  it("is drawn from with prompts in turn, guided away from others", async () => {
    const source = pipelinePath("sd");
    const prompts = ["a cat", "a dog"];
    const drawn = async (more: object) => {
      const { samples, prompts: told } = (await open(source, { prompts, ...more })).draw(3);
      expect(told).toEqual(["a cat", "a dog", "a cat"]);
      return samples;
    };
    const plain = await drawn({});
    const far = await drawn({ guidance: 3 });
    const away = await drawn({ guidance: 3, negativePrompt: "a house" });
    const rescaled = await drawn({ guidance: 3, guidanceRescale: 1 });
    const all = [plain, far, away, rescaled].map((samples) => [...samples.data()].join());
    expect(new Set(all).size).toBe(4);
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ["no prompts", () => open(pipelinePath("sd")), "this model is told a text: give --prompts"],
    [
      "a size that does not fit",
      () => open(pipelinePath("sd"), { prompts: ["x"], pipeline: { resolution: 17 } }),
      "--resolution 17: must be a multiple of 2",
    ],
    [
      "frames of pictures",
      () => open(pipelinePath("sd"), { prompts: ["x"], pipeline: { frames: 5 } }),
      "draws pictures, not clips",
    ],
    [
      "a width of pictures",
      () => open(pipelinePath("sd"), { prompts: ["x"], pipeline: { width: 16 } }),
      "--width: ",
    ],
    [
      "a width that does not fit",
      () => open(pipelinePath("wan"), { prompts: ["x"], pipeline: { resolution: 16, width: 18, frames: 5 } }),
      "--width 18: must be a multiple of 4",
    ],
    [
      "a width that does not fit the network",
      () => open(pipelinePath("wan"), { prompts: ["x"], pipeline: { resolution: 16, width: 20, frames: 5 } }),
      "imageWidth: must be a multiple of 2, the width of a patch",
    ],
    [
      "clips of no size",
      () => open(pipelinePath("wan"), { prompts: ["x"], pipeline: { resolution: 16 } }),
      "does not say how large its clips are: give --resolution and --frames",
    ],
    [
      "frames that do not fit",
      () => open(pipelinePath("wan"), { prompts: ["x"], pipeline: { resolution: 16, frames: 8 } }),
      "--frames 8: must be 1 more than a multiple of 4",
    ],
    [
      "a scale without use",
      () => open(pipelinePath("sd3"), { prompts: ["x"], pipeline: { embeddedGuidance: 3 } }),
      "is not told a scale of guidance",
    ],
    [
      "a tokenizer without use",
      () => open(pipelinePath("sd3"), { prompts: ["x"], pipeline: { tokenizer: "x" } }),
      "--tokenizer: only for checkpoints in one file",
    ],
    [
      "a model that is no pipeline",
      () => open("2d-ring", { pipeline: { loras: [{ path: "x", weight: 1 }] } }),
      "--lora: only for a pipeline",
    ],
    [
      "no tokenizer",
      () => {
        const copy = copyOf("sd");
        rmSync(join(copy, "tokenizer"), { recursive: true });
        return open(copy, { prompts: ["x"] });
      },
      '"text_encoder" cannot be used without its tokenizer',
    ],
    [
      "a tokenizer of another encoder",
      () => {
        const copy = copyOf("sd3");
        rmSync(join(copy, "tokenizer_3"), { recursive: true });
        cpSync(join(copy, "tokenizer"), join(copy, "tokenizer_3"), { recursive: true });
        return open(copy, { prompts: ["x"] });
      },
      "tokenizer_3: this tokenizer has 810 tokens, the text encoder knows 400: it belongs to another encoder",
    ],
    [
      "states of another width",
      () => {
        const file = writeSingleFile(join(folder, "sd15.safetensors"), { textChannels: 12 });
        const pipeline = { resolution: 16, tokenizer: tokenizerPath };
        return open(file, { prompts: ["x"], pipeline });
      },
      'sd15.safetensors: its text encoders give "text" of 64 numbers, its network takes 12',
    ],
    [
      "no encoder",
      async () => {
        const model = await openModel(pipelinePath("sd"), { device: "cpu", prompts: ["x"] });
        model.save(folder, model.module);
        rmSync(join(folder, "text.json"));
        return open(folder);
      },
      "text.json: no such file: this model's prompts cannot be encoded without it",
    ],
  ])("tells what is wrong: %s", async (_, work, problem) => {
    await expect(work()).rejects.toThrow(problem);
  });
});

describe("files of prompts", () => {
  const put = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  it("are lines, JSONL, or the captions of a data set without repeats", async () => {
    expect(await readPrompts(put("a.txt", " a cat \r\n\n a dog"))).toEqual(["a cat", "a dog"]);
    const rows = '{"text": "a cat"}\n{"prompt": "a dog", "id": 1}\n"a cow"\n{"caption": ["a hen"]}\n';
    expect(await readPrompts(put("a.jsonl", rows))).toEqual(["a cat", "a dog", "a cow", "a hen"]);
    const data = join(folder, "data");
    mkdirSync(data);
    const png = readFileSync(new URL("../../assets/teachers/2d-ring/grid.png", import.meta.url));
    for (const [name, text] of Object.entries({ a: "one", b: "two", c: "one" })) {
      writeFileSync(join(data, `${name}.png`), png);
      writeFileSync(join(data, `${name}.txt`), text);
    }
    expect(await readPrompts(data)).toEqual(["one", "two"]);
  });

  it.each<[string, string, string]>([
    ["a.txt", "\n \n", "a.txt: there is no prompt in it"],
    ["a.jsonl", '{"text": "a"}\n{', "a.jsonl: line 2 is not valid JSON"],
    ["a.jsonl", '{"label": 3}', 'a.jsonl: line 1 has no "text", "caption" or "prompt"'],
  ])("%s: %j is refused", async (name, text, problem) => {
    await expect(readPrompts(put(name, text))).rejects.toThrow(problem);
  });

  it("that are missing are told", async () => {
    await expect(readPrompts(join(folder, "none.txt"))).rejects.toThrow("none.txt: no such file");
  });
});
