import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ops, randn, type Tensor, zeros } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { CoordinateExtractor } from "../../src/metrics/coordinate-extractor.js";
import { loadEdmReference } from "../../src/metrics/edm-reference.js";
import { evaluate } from "../../src/metrics/evaluate.js";
import { TorchScriptInception } from "../../src/metrics/torch-script-inception.js";
import { fixture, fixturePath } from "./fixture.js";

const get = fixture("tinyInception.safetensors");
const close = (actual: Tensor, expected: Tensor) => ops.allclose(actual, expected, 1e-5, 1e-6);
const images = () => get("pixels").float().div(127.5).sub(1);

describe("TorchScriptInception", () => {
  it("gives the features and probabilities of the module", () => {
    const inception = new TorchScriptInception(fixturePath("tinyInception.pt"));
    expect(inception.featureDim).toBe(6);
    expect(inception.contentHash).toMatch(/^[0-9a-f]{64}$/);
    expect(close(inception.features(images()), get("features"))).toBe(true);
    expect(close(inception.probabilities!(images()), get("probabilities"))).toBe(true);
  });

  it("repeats grey to three channels and clamps what is beyond white and black", () => {
    const inception = new TorchScriptInception(fixturePath("tinyInception.pt"));
    const grey = images().narrow(1, 0, 1);
    expect(close(inception.features(grey), get("grey_features"))).toBe(true);
    const white = zeros([1, 3, 9, 9]).add(1);
    expect(close(inception.features(white.mul(3)), inception.features(white))).toBe(true);
    expect(() => inception.features(zeros([1, 2, 9, 9]))).toThrow("1 or 3 channels");
  });

  it("says in one line what is wrong with a file", () => {
    expect(() => new TorchScriptInception("/nowhere/inception.pt")).toThrow(/Cannot read .*inception.pt/);
    const file = join(mkdtempSync(join(tmpdir(), "disback-")), "broken.pt");
    writeFileSync(file, "not a module");
    expect(() => new TorchScriptInception(file)).toThrow(/broken.pt: not an Inception network/);
  });
});

describe("loadEdmReference", () => {
  it("serves the Frechet distance, and says what it cannot serve", async () => {
    const extractor = new TorchScriptInception(fixturePath("tinyInception.pt"));
    const reference = await loadEdmReference(fixturePath("edmReference.npz"), extractor);
    expect(reference.statistics.mean.at(5).item()).toBe(0.5);
    expect(reference.statistics.covariance.at(5, 5).item()).toBe(1.2);
    const options = { extractor, reference, count: 20, generate: (count: number) => randn([count, 3, 9, 9]) };
    expect((await evaluate(options)).fid).toBeGreaterThan(0);
    await expect(evaluate({ ...options, metrics: ["kid"] })).rejects.toThrow(/kid: .* moments only/);
    const narrow = new CoordinateExtractor(2);
    await expect(loadEdmReference(fixturePath("edmReference.npz"), narrow)).rejects.toThrow(
      /"mu" has shape \[6\], extractor coordinates needs \[2\]/,
    );
  });
});
