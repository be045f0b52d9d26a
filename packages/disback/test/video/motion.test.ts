import { cat, Generator, ones, randn, scope, type Tensor, tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { openDataset } from "../../src/data/dataset.js";
import { CoordinateExtractor } from "../../src/metrics/coordinate-extractor.js";
import { evaluate } from "../../src/metrics/evaluate.js";
import { MotionMeter } from "../../src/metrics/motion-figures.js";
import { computeReference } from "../../src/metrics/reference-statistics.js";

async function digits(seed: number, count = 24) {
  const dataset = await openDataset(`toy:moving-digits?count=${count}&seed=${seed}`);
  return { dataset, ...(await dataset.batch(Array.from({ length: count }, (_, index) => index))) };
}

describe("figures of moving digits", () => {
  it("are perfect for true clips, and say what is wrong with others", async () => {
    const { dataset, samples } = await digits(1);
    const figures = (clips: Tensor) => {
      const meter = new MotionMeter(dataset.digits!);
      meter.add(clips);
      return meter.result();
    };
    const good = figures(samples);
    expect(good.readableDigits).toBe(1);
    expect(good.readableFrames).toBe(1);
    expect(good.motionError).toBeLessThan(0.03);

    // Frames in a wrong order still show digits, which jump.
    const shuffled = figures(samples.indexSelect(2, tensor([3, 0, 6, 1, 7, 4, 2, 5], { dtype: "int64" })));
    expect(shuffled.readableDigits).toBe(1);
    expect(shuffled.motionError).toBeGreaterThan(0.5);

    // A digit that becomes another is not read.
    const others = cat([samples.narrow(2, 0, 4), samples.flip([0]).narrow(2, 4, 4)], 2);
    expect(figures(others).readableDigits).toBeLessThan(0.4);
    expect(figures(others).readableFrames).toBe(1);
    const half = cat([samples.narrow(2, 0, 4), samples.narrow(2, 4, 4).mul(0).sub(1)], 2);
    expect(figures(half)).toMatchObject({ readableDigits: 0, readableFrames: 0.5 });

    const faint = figures(samples.add(1).mul(0.4).sub(1));
    expect(faint.readableDigits).toBe(0);
    expect(faint.motionError).toBeLessThan(0.3);
    const black = figures(ones([2, 1, 8, 16, 16]).neg());
    expect(black).toMatchObject({ readableDigits: 0, readableFrames: 0 });
    const noise = figures(randn([4, 1, 8, 16, 16], { generator: new Generator(0) }));
    expect(noise).toMatchObject({ readableDigits: 0, readableFrames: 0 });
  });

  it("stand in an evaluation, and are refused for other data", async () => {
    const { dataset, samples } = await digits(2, 12);
    const extractor = new CoordinateExtractor(8 * 256);
    const reference = await computeReference(dataset, extractor, "");
    const options = { extractor, reference, count: 12, metrics: ["motionError", "readableDigits"] as const };
    const batches = () => [scope(() => samples.clone())];
    const found = await evaluate({ ...options, batches: batches(), digits: dataset.digits! });
    expect(found.readableDigits).toBe(1);
    expect(found.motionError).toBeLessThan(0.03);
    await expect(evaluate({ ...options, batches: batches() })).rejects.toThrow(
      "motionError: is measured of moving digits only (toy:moving-digits)",
    );
  });
});
