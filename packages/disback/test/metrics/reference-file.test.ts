import { join } from "node:path";
import { fromTypedArray } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { parseNpy } from "../../src/data/formats/npy.js";
import { openZip } from "../../src/data/formats/zip.js";
import { npzParts } from "../../src/data/output/npz.js";
import { CoordinateExtractor } from "../../src/metrics/coordinate-extractor.js";
import { isReferenceFile, loadReferenceFile } from "../../src/metrics/reference-file.js";
import { asTheyAre } from "../../src/models/sample-codec.js";
import { Judge } from "../../src/runs/judge.js";
import { fixture, folderOf } from "../data/fixtures.js";

const statistics = fixture("brought/statistics.npz");

async function stored(name: string): Promise<ArrayLike<number>> {
  const zip = await openZip(statistics, 2 ** 20);
  const array = parseNpy(await zip.entries.get(`${name}.npy`)!.read(), name);
  zip.close();
  return array.data;
}

describe("files of reference statistics", () => {
  it("are told from data by their arrays", async () => {
    expect(await isReferenceFile(statistics)).toBe(true);
    expect(await isReferenceFile(fixture("nhwc.npz"))).toBe(false);
    expect(await isReferenceFile("toy:ring")).toBe(false);
    expect(await isReferenceFile("no/such.npz")).toBe(false);
    expect(await isReferenceFile("x.safetensors")).toBe(true);
  });

  it("of mu and sigma are read as they are, for an extractor of their width", async () => {
    const reference = await loadReferenceFile(statistics, new CoordinateExtractor(6));
    expect(reference.statistics.mean.data()).toEqual(Float64Array.from(await stored("mu")));
    expect(reference.statistics.covariance.data()).toEqual(Float64Array.from(await stored("sigma")));
    await expect(loadReferenceFile(statistics, new CoordinateExtractor(5))).rejects.toThrow(
      /"mu" has shape \[6\], extractor .* needs \[5\]/,
    );
    const bad = { name: "mu", data: new Float32Array(6).fill(Number.NaN), shape: [6] };
    const sigma = { name: "sigma", data: new Float32Array(36), shape: [6, 6] };
    const file = join(folderOf({ "bad.npz": Buffer.concat(npzParts([bad, sigma])) }), "bad.npz");
    await expect(loadReferenceFile(file, new CoordinateExtractor(6))).rejects.toThrow(/not finite/);
  });

  it("are what evaluate --data takes: the distance to samples with the same mean is that of the covariances", async () => {
    const judge = await Judge.open({
      shown: asTheyAre([6]),
      device: "cpu",
      data: statistics,
      batchSize: 8,
      notice: () => {},
    });
    expect(judge!.applicable).toEqual(["fid"]);
    // Two points mu + d and mu - d have covariance 2 d d'. With d along an axis, the distance is
    // tr(sigma) + 2 d^2 - 2 tr sqrt(sigma 2 d d') = tr(sigma) + 2 d^2 - 2 sqrt(2 d^2 sigma_00).
    const [mu, sigma] = [await stored("mu"), await stored("sigma")];
    const d = 0.5;
    const points = Float32Array.from({ length: 12 }, (_, index) => {
      const axis = index % 6;
      return mu[axis]! + (axis === 0 ? (index < 6 ? d : -d) : 0);
    });
    const { fid } = await judge!.measure({ generate: () => fromTypedArray(points, [2, 6]) }, 2);
    const trace = Array.from({ length: 6 }, (_, axis) => sigma[7 * axis]!).reduce(
      (sum, value) => sum + value,
      0,
    );
    expect(fid).toBeCloseTo(trace + 2 * d ** 2 - 2 * Math.sqrt(2 * d ** 2 * sigma[0]!), 4);
    expect(judge!.describe(2)).toMatch(/statistics\.npz \(their number is not stated\)/);
  });
});
