import { zeros } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { requireSameExtractor } from "../../src/metrics/reference.js";
import { loadShippedExtractor, loadShippedReference, shippedExtractors } from "../../src/metrics/shipped.js";

describe("shipped extractors", () => {
  it("include those that the shipped teachers need", () => {
    expect(shippedExtractors()).toContain("fashion-mnist-16-classifier");
    expect(shippedExtractors()).toContain("fashion-mnist-32-classifier");
  });

  it.each(shippedExtractors())("%s works and has reference statistics of its own", (name) => {
    const extractor = loadShippedExtractor(name);
    const { accuracy, frames } = extractor.config;
    expect(extractor.name).toBe(name);
    expect(accuracy).toBeGreaterThan(0.6);
    expect(extractor.features(zeros([2, ...extractor.sampleShape])).shape).toEqual([2, 64]);
    const reference = loadShippedReference(name);
    requireSameExtractor(reference, extractor);
    expect(reference.statistics.count).toBeGreaterThanOrEqual(frames === undefined ? 50_000 : 20_000);
    expect(reference.features.shape).toEqual([3000, 64]);
  });

  it("are named when one is not known", () => {
    expect(() => loadShippedExtractor("other")).toThrow(
      /Unknown extractor "other".*fashion-mnist-16-classifier/,
    );
    expect(() => loadShippedReference("other")).toThrow(/other/);
  });
});
