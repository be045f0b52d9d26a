import { Generator, randn } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { GeneratorStudent } from "../../src/distill/generator-student.js";
import { CrossEntropyFit } from "../../src/distill/language/cross-entropy-fit.js";
import { Gkd } from "../../src/distill/language/gkd.js";
import { Supervised } from "../../src/distill/language/supervised.js";
import { SamplePool } from "../../src/distill/sample-pool.js";
import { openLanguageModel } from "../../src/import/language/open-language-model.js";
import { difference, expected, fixture } from "./fixtures.js";

async function open() {
  const { model: teacher } = await openLanguageModel(fixture("llama"), { length: 9 });
  const { model } = await openLanguageModel(fixture("gpt2"), { length: 9 });
  const copy = model.clone().requiresGrad_(true);
  return { teacher, module: copy, student: new GeneratorStudent(copy, { facts: copy.facts }) };
}

describe("distillation of language models", () => {
  it.each([0, 0.3, 1])("beta %s: loss and gradients are those of PyTorch", async (beta) => {
    const { teacher, module, student } = await open();
    const given = expected("distillation");
    const key = Number.isInteger(beta) ? `${beta}.0` : String(beta);
    const samples = given.get("texts")!;
    const {
      loss,
      targetError,
      difference: gap,
    } = new Gkd({ beta }).studentSignal({
      ...{ samples, latents: samples, condition: undefined, auxiliary: teacher, target: teacher, student },
      random: new Generator(0),
    });
    loss!.backward();
    expect(loss!.item()).toBeCloseTo(given.get(`loss.${key}`)!.item(), 4);
    expect(gap.item()).toBeCloseTo(loss!.item(), 6);
    expect(targetError.item()).toBeCloseTo(given.get("crossEntropy")!.item(), 4);
    const weights = module.stateDict();
    const close = (name: string, wanted: string) =>
      expect(difference(weights.get(name)!.grad!, given.get(`${wanted}.${key}`)!)).toBeLessThan(1e-4);
    close("transformer.wte.weight", "table");
    close("transformer.h.0.attn.c_attn.weight", "attention");
  });

  it("on data alone is what plain distillation learns", async () => {
    const { teacher, student } = await open();
    const samples = expected("distillation").get("texts")!;
    const one = new SamplePool({ samples: samples.narrow(0, 0, 1).clone() });
    const input = { teacher, student, count: 4, random: new Generator(0) };
    const plain = new Supervised({ real: one }).loss(input).item();
    const mixed = new Gkd({ beta: 0, lambda: 0, real: one }).studentSignal({
      ...{ samples, latents: samples, condition: undefined, auxiliary: teacher, target: teacher, student },
      random: new Generator(0),
    });
    expect(mixed.loss!.item()).toBeCloseTo(plain, 5);
    expect(() => new Gkd({ lambda: 0.5 })).toThrow(/"lambda" below 1 needs real texts/);
    expect(() => new Gkd({ beta: 2 })).toThrow(/"beta" must be from 0 to 1/);
  });

  it("the fit is the cross-entropy, and its outline a distance in [0, 1]", async () => {
    const { teacher, module } = await open();
    const given = expected("distillation");
    const samples = given.get("texts")!;
    const batch = { samples, latents: samples, condition: undefined };
    const fit = new CrossEntropyFit();
    expect(fit.loss(teacher, batch).item()).toBeCloseTo(given.get("crossEntropy")!.item(), 4);
    const outline = fit.outline(batch);
    const [a, b] = [outline.measure(teacher), outline.measure(module)];
    expect(outline.between(a, a)).toBe(0);
    expect(outline.between(a, b)).toBeGreaterThan(0.3);
    expect(outline.between(a, b)).toBeLessThanOrEqual(1);
  });

  it("equal latents give equal texts, whose frequencies are the model's probabilities", async () => {
    const { teacher } = await open();
    const latents = randn([4000, 9], { generator: new Generator(1) });
    const texts = teacher.generate(latents);
    expect(texts.toArray()).toEqual(teacher.generate(latents).toArray());
    const wanted = teacher
      .logProbabilities(texts.narrow(0, 0, 1))
      .at(0, 0)
      .exp();
    const first = texts.select(1, 0);
    const likely = wanted.argmax().item();
    const share = first.eq(likely).float().mean().item();
    const probability = wanted.at(likely).item();
    expect(Math.abs(share - probability)).toBeLessThan(
      4 * Math.sqrt((probability * (1 - probability)) / 4000),
    );
    teacher.sampling = { temperature: 1, topP: 1e-6 };
    expect(
      teacher
        .generate(latents.narrow(0, 0, 8))
        .select(1, 0)
        .eq(likely)
        .all()
        .item(),
    ).toBe(1);
  });
});
