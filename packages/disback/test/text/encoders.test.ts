import { Generator, type Module, noGrad, stack, type Tensor, zeros } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { describeBert } from "../../src/import/transformers/bert.js";
import { describeClipText } from "../../src/import/transformers/clip-text.js";
import { describeT5, describeUmt5 } from "../../src/import/transformers/t5.js";
import { randomWeights } from "../../src/models/weights.js";
import { BertModel } from "../../src/text/bert/bert-model.js";
import { ClipTextModel } from "../../src/text/clip/clip-text-model.js";
import { T5EncoderModel } from "../../src/text/t5/t5-encoder-model.js";
import { type Case, fill, readCases, relativeError } from "../models/fixtures.js";

const { cases, value } = readCases("text-encoders");
const source = randomWeights(new Generator(0));
const given = (config: object) => ({ config: config as Record<string, unknown>, configPath: "config.json" });
const named = (start: string) => cases.filter(({ name }) => name.startsWith(start));

function prepared<Model extends Module>(of: Case, model: Model): Model {
  const shapes = Object.fromEntries([...model.stateDict()].map(([key, { shape }]) => [key, shape]));
  expect(shapes).toEqual(of.keys);
  fill(model, of.seed);
  return model.eval();
}

const near = (actual: Tensor, of: Case, key: string) =>
  expect(relativeError(actual, value(of, key)!), key).toBeLessThan(1e-5);

describe("CLIPTextModel and CLIPTextModelWithProjection of transformers", () => {
  it.each(named("clip"))("$name: keys, all states, the vector", (of) => {
    const projection = of.name === "clip-projection";
    const model = prepared(of, new ClipTextModel(source, describeClipText(given(of.config), projection)));
    const output = noGrad(() => model.forward(value(of, "ids")!, value(of, "mask")));
    near(stack(output.states), of, "states");
    near(output.last, of, "last");
    if (projection) near(output.projected!, of, "projected");
    else near(output.pooled, of, "pooled");
  });

  it("refuses texts that are too long, and what it does not know", () => {
    const of = named("clip")[0]!;
    const model = new ClipTextModel(source, describeClipText(given(of.config), false));
    const long = zeros([1, 10], { dtype: "int64" });
    expect(() => model.forward(long)).toThrow("text: has 10 tokens, the encoder takes at most 9");
    const describing = (change: object, projection = false) =>
      describeClipText(given({ ...of.config, ...change }), projection);
    expect(() => describing({ hidden_act: "relu" })).toThrow('"hidden_act": "relu" is not supported');
    expect(() => describing({ num_attention_heads: 3 })).toThrow('"num_attention_heads": 3 cannot share 8');
    expect(() => describing({ projection_dim: null }, true)).toThrow('"projection_dim": is needed');
    expect(() => describing({ rotary: 1 })).toThrow('"rotary": unknown field, with the value 1');
  });
});

const umt5 = readCases("umt5");

describe("T5EncoderModel and UMT5EncoderModel of transformers", () => {
  it.each([
    ...named("t5").map((of) => ({ ...{ name: of.name, of, value }, describe: describeT5 })),
    ...umt5.cases.map((of) => ({ ...{ name: of.name, of, value: umt5.value }, describe: describeUmt5 })),
  ])("$name: keys, states with and without a mask", ({ of, value: expected, describe: described }) => {
    const model = prepared(of, new T5EncoderModel(source, described(given(of.config))));
    noGrad(() => {
      const [ids, mask] = [expected(of, "ids")!, expected(of, "mask")!];
      expect(relativeError(model.forward(ids), expected(of, "states")!)).toBeLessThan(1e-5);
      expect(relativeError(model.forward(ids, mask), expected(of, "masked")!)).toBeLessThan(1e-5);
    });
  });

  it("refuses what it does not know", () => {
    const { config } = named("t5")[0]!;
    const describing = (change: object) => describeT5(given({ ...config, ...change }));
    expect(() => describing({ feed_forward_proj: "gated-silu" })).toThrow(
      '"feed_forward_proj": "gated-silu"',
    );
    expect(() => describing({ is_decoder: true })).toThrow('"is_decoder": true is not supported');
  });
});

describe("BertModel of transformers", () => {
  it.each(named("bert"))("$name: keys, states, the sentence's vector", (of) => {
    const model = prepared(of, new BertModel(source, describeBert(given(of.config), of.name === "bert")));
    const [ids, mask] = [value(of, "ids")!, value(of, "mask")!];
    noGrad(() => {
      near(model.forward(ids, mask), of, "states");
      near(model.forward(ids), of, "all");
      near(model.sentence(ids, mask), of, "sentence");
    });
  });

  it("refuses what it does not know", () => {
    const { config } = named("bert")[0]!;
    const describing = (change: object) => describeBert(given({ ...config, ...change }), true);
    expect(() => describing({ position_embedding_type: "relative_key" })).toThrow(
      '"position_embedding_type"',
    );
    expect(() => describing({ hidden_act: "relu" })).toThrow('"hidden_act": "relu" is not supported');
  });
});
