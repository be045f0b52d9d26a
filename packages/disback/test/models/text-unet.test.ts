import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeUnread, readPrompt } from "@disback/generate/core";
import { Generator, randn } from "@disback/torch";
import { afterAll, describe, expect, it } from "vitest";
import { createDenoiser, loadModel, saveModel } from "../../src/models/config.js";
import { type DenoiserConfigInput, parseDenoiserConfig } from "../../src/models/denoiser-config.js";
import { TextUNet } from "../../src/models/text-unet/text-unet.js";
import { randomWeights } from "../../src/models/weights.js";
import { learnVocabulary } from "../../src/text/learn-vocabulary.js";
import { type Case, readCases } from "./fixtures.js";
import { compareWithOriginal } from "./reference-case.js";

const folder = mkdtempSync(join(tmpdir(), "disback-text-unet-"));
afterAll(() => rmSync(folder, { recursive: true }));

const { cases, value } = readCases("text-unet");
const of = cases[0]!;
const { vocabulary, prompts, tokens } = of.config as unknown as {
  vocabulary: string[];
  prompts: string[];
  tokens: number[][];
};
const textLength = 6;

function build(_: Case): TextUNet {
  return new TextUNet(randomWeights(new Generator(0)), {
    ...{ inChannels: 3, outChannels: 3, imageResolution: 8, patchSize: 2, blockChannels: [8, 16] },
    ...{ layersPerBlock: 1, attentionResolutions: [2], heads: 2, normalizationGroups: 4, dropout: 0 },
    ...{ vocabulary, textLength, textChannels: 8, textLayers: 2, textHeads: 2, noiseScale: 250 },
  });
}

const small: DenoiserConfigInput = {
  network: "text-unet",
  ...{ imageResolution: 8, imageChannels: 3, blockChannels: [8, 16] },
  ...{ attentionResolutions: [2], heads: 2, normalizationGroups: 4, vocabulary, textLength },
  ...{ textChannels: 8, textHeads: 2, prompts },
};

describe("TextUNet", () => {
  it("is BertModel and UNet2DConditionModel: keys, output and gradients", () => {
    const network = build(of);
    const { noise, told } = { noise: value(of, "noise")!, told: value(of, "tokens")! };
    compareWithOriginal(of, value, network, (x) => network.forward(x, noise, told));
  });

  it("is saved, opened and copied as every denoiser", () => {
    const config = parseDenoiserConfig(small);
    const denoiser = createDenoiser(config, { generator: new Generator(1) }).eval();
    saveModel(folder, denoiser, config);
    const opened = loadModel(folder);
    expect(opened.config).toEqual(config);
    const x = randn([2, 3, 8, 8], { generator: new Generator(2) });
    const condition = { tokens: value(of, "tokens")!.narrow(0, 0, 2) };
    const sigma = randn([2]).abs().add(0.1);
    const expected = denoiser.denoise(x, sigma, condition).data();
    expect(opened.denoiser.denoise(x, sigma, condition).data()).toEqual(expected);
    expect(denoiser.clone().denoise(x, sigma, condition).data()).toEqual(expected);
    // Zeros mean "no text", and so does no condition.
    const none = denoiser.denoise(x, sigma).data();
    expect(denoiser.denoise(x, sigma, { tokens: condition.tokens.mul(0) }).data()).toEqual(none);
    expect(none).not.toEqual(expected);
    expect(loadModel(folder, { prompts: ["cat"] }).denoiser.facts.text!.prompts).toEqual(["cat"]);
  });

  it.each<[object, string]>([
    [{ imageResolution: 10 }, "imageResolution: must be a multiple of 4"],
    [{ heads: 3 }, "heads: 8 channels of a level cannot be divided among 3 heads"],
    [{ normalizationGroups: 3 }, "blockChannels: 8 channels cannot be divided into 3 normalizationGroups"],
    [{ attentionResolutions: [8] }, "attentionResolutions: there is no level of height 8, only of 4, 2"],
    [{ textHeads: 3 }, "textHeads: 8 textChannels cannot be divided among 3 heads"],
    [{ labelDim: 3 }, "labelDim: must be 0"],
  ])("refuses %j", (change, problem) => {
    expect(() => parseDenoiserConfig({ ...small, ...change })).toThrow(problem);
  });

  it("says what it is not told", () => {
    const denoiser = createDenoiser(small);
    const run = (condition: object) =>
      denoiser.denoise(randn([2, 3, 8, 8]), randn([2]).abs(), condition as never);
    expect(() => run({ tokens: randn([2, 5]) })).toThrow("expected tokens [2, 6], got [2, 5]");
    expect(() => run({ class: randn([2, 6]) })).toThrow('not told "class"');
  });
});

describe("prompts", () => {
  it("are read as BertTokenizer reads them", () => {
    for (const [row, prompt] of prompts.entries()) {
      const read = readPrompt(prompt, { vocabulary, textLength });
      // A word with an unknown character is unknown to BERT; here only the character is.
      if (prompt !== "café") expect(read.tokens, prompt).toEqual(tokens[row]);
    }
  });

  it("tell what of them is not read", () => {
    const reader = { vocabulary, textLength };
    const long = readPrompt("cat ".repeat(2500), reader);
    expect(long.tokens).toEqual(Array(6).fill(9));
    expect(describeUnread(long, 6)).toEqual([
      "prompt: only its first 6 pieces of words are read, not the 2494 behind",
    ]);
    expect(describeUnread(readPrompt("cat 猫 猫 xyz", reader), 6)).toEqual([
      'prompt: this model knows nothing of "猫", "xyz"',
    ]);
    expect(describeUnread(readPrompt("cat", reader), 6)).toEqual([]);
    expect(() => readPrompt(" \n", reader)).toThrow("prompt: is empty");
    expect(() => readPrompt("猫😀", reader)).toThrow('prompt: this model knows nothing in "猫😀"');
    expect(() => readPrompt("!?", reader)).toThrow("knows nothing in");
  });

  it("have a vocabulary that is learned by joining the most frequent neighbours", () => {
    // Sennrich et al. 2016, the example of their section 3.2, with its four first pieces that are joined.
    const texts = [..."low ".repeat(5).trim().split(" "), ...Array(2).fill("lower")];
    texts.push(...Array(6).fill("newest"), ...Array(3).fill("widest"));
    const learned = learnVocabulary(texts, 15);
    const characters = ["##d", "##e", "##i", "##o", "##r", "##s", "##t", "##w", "l", "n", "w"];
    expect(learned).toEqual([...characters, "##es", "##est", "lo", "low"]);
    expect(learnVocabulary(["a"], 100)).toEqual(["a"]);
    expect(() => learnVocabulary(["…"], 100)).toThrow("there is no word in them");
  });
});
