import { describe, expect, it } from "vitest";
import { requireFacts, requireSameKind } from "../../src/models/facts.js";

const facts = { sampleShape: [2], sigmaData: 0.5, condition: { class: [3] } };

describe("what a module says of itself", () => {
  it("is taken as it is; nothing it is told, if it says nothing", () => {
    expect(requireFacts({ ...facts, more: 1 }, "mine.mjs")).toEqual(facts);
    expect(requireFacts({ sampleShape: [1, 8, 8], sigmaData: 1 }, "mine.mjs").condition).toEqual({});
  });

  it.each<[object | undefined, RegExp]>([
    [undefined, /^mine\.mjs: facts\.sampleShape must be/],
    [{ ...facts, sampleShape: [] }, /facts\.sampleShape/],
    [{ ...facts, sampleShape: [2.5] }, /facts\.sampleShape/],
    [{ ...facts, sampleShape: "2" }, /facts\.sampleShape/],
    [{ ...facts, sigmaData: undefined }, /^mine\.mjs: facts\.sigmaData must be a number above 0/],
    [{ ...facts, sigmaData: 0 }, /facts\.sigmaData/],
    [{ ...facts, sigmaData: Number.POSITIVE_INFINITY }, /facts\.sigmaData/],
    [{ ...facts, condition: { class: 3 } }, /^mine\.mjs: facts\.condition must hold a shape by name/],
    [{ ...facts, condition: null }, /facts\.condition/],
    [{ ...facts, classNames: ["a", "b"] }, /^mine\.mjs: facts\.classNames must name each of the 3 classes/],
  ])("%j is refused by name", (value, message) => {
    expect(() => requireFacts(value, "mine.mjs")).toThrow(message);
  });
});

describe("student and teacher", () => {
  it("are of one kind whatever their standard deviations", () => {
    expect(() => requireSameKind({ ...facts, sigmaData: 1 }, facts)).not.toThrow();
  });

  it("that differ are told apart by what differs", () => {
    expect(() => requireSameKind({ ...facts, sampleShape: [3] }, facts)).toThrow(
      "student: makes samples of shape [3], the teacher [2]",
    );
    expect(() => requireSameKind({ ...facts, condition: {} }, facts, "s.json")).toThrow(
      "s.json: takes no condition, the teacher class [3]",
    );
  });
});
