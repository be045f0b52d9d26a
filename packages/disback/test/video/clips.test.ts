import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scope } from "@disback/torch";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { openDataset } from "../../src/data/dataset.js";
import { decodeFrames } from "../../src/data/images/decode.js";
import { writeClipFolder, writeClips } from "../../src/data/output/clips.js";
import { readFloats } from "../../src/data/output/read-floats.js";
import { reflected } from "../../src/data/toys/moving-digits.js";

const place = mkdtempSync(join(tmpdir(), "disback-clips-"));
afterAll(() => rmSync(place, { recursive: true, force: true }));

async function digits(count: number, query = "", split?: string) {
  const dataset = await openDataset(`toy:moving-digits?count=${count}${query}`, split ? { split } : {});
  return { dataset, ...(await dataset.batch(Array.from({ length: count }, (_, index) => index))) };
}

describe("moving digits", () => {
  it("are the same for the same request, others for another split or seed", async () => {
    const of = async (query: string, split?: string) => readFloats((await digits(3, query, split)).samples);
    const first = await of("");
    expect(await of("")).toEqual(first);
    expect(await of("&seed=1")).not.toEqual(first);
    expect(await of("", "test")).not.toEqual(first);
  });

  it("move steadily and are reflected: the centre of light is where the motion says", async () => {
    const { dataset, samples } = await digits(20, "&frames=12&size=32&seed=4");
    expect(dataset.sampleShape).toEqual([1, 12, 32, 32]);
    expect(dataset.classNames).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    const light = readFloats(scope(() => samples.add(1).div(2)));
    const paths = Array.from({ length: 20 }, (_, clip) =>
      Array.from({ length: 12 }, (_, frame) => {
        const picture = light.subarray((clip * 12 + frame) * 1024, (clip * 12 + frame + 1) * 1024);
        const sum = picture.reduce((total, value) => total + value, 0);
        return picture.reduce((total, value, pixel) => total + value * ((pixel % 32) + 0.5), 0) / sum;
      }),
    );
    // Between reflections, second differences are 0.
    const second = paths.map((path) =>
      path.slice(2).map((right, at) => Math.abs(right - 2 * path[at + 1]! + path[at]!)),
    );
    const steady = second.flat().filter((value) => value < 1e-4).length;
    expect(steady).toBeGreaterThan(0.6 * second.flat().length);
    // Two pixels per frame at this size, or none.
    const moved = paths.flatMap((path) => path.slice(1).map((right, at) => Math.abs(right - path[at]!)));
    for (const distance of moved) expect(Math.min(distance, Math.abs(distance - 2))).toBeLessThan(1e-4);
    expect([reflected(-1, 10), reflected(11, 10), reflected(23, 10), reflected(4, 10)]).toEqual([1, 9, 3, 4]);
  });

  it("refuse what they are not, in one line", async () => {
    const fail = (source: string, options = {}) =>
      openDataset(source, options).catch((error) => error.message);
    const source = "toy:moving-digits";
    expect(await fail(`${source}?frames=1`)).toBe(
      `${source}?frames=1: frames must be a whole number from 2 to 64, not "1"`,
    );
    expect(await fail(`${source}?size=20`)).toBe(
      `${source}?size=20: size must be a multiple of 16 from 16 to 128, not "20"`,
    );
    expect(await fail(source, { frames: 4 })).toBe(
      `${source} gives 8 frames of 16 x 16 in grey, not frames 4: change its frames and size`,
    );
    expect(await fail(source, { channels: 3 })).toMatch(/not channels 3/);
    expect(await fail(`${source}?speed=2`)).toMatch(/unknown parameter "speed"/);
    expect(await fail(source, { split: "val" })).toMatch(/has no split "val"/);
    expect(await fail("toy:ring", { frames: 8 })).toBe("toy:ring gives points, not clips");
  });
});

describe("moving pictures", () => {
  it("GIFs have the clips' frames, animated PNGs their number, size and delay", async () => {
    const { samples } = await digits(3);
    const [gif, png] = [join(place, "grid.gif"), join(place, "grid.png")];
    await writeClips(gif, samples, { columns: 3, scale: 2, padding: 1 });
    await writeClips(png, samples, { columns: 3, scale: 2, padding: 1 });
    const { pages, width, pageHeight, delay, loop } = await sharp(gif, { animated: true }).metadata();
    expect({ pages, width, pageHeight, loop }).toEqual({ pages: 8, width: 100, pageHeight: 34, loop: 0 });
    expect(delay).toEqual(Array(8).fill(120));
    const bytes = await sharp(png).toBuffer({ resolveWithObject: true });
    expect([bytes.info.width, bytes.info.height]).toEqual([100, 34]);
    const file = await import("node:fs").then(({ readFileSync }) => readFileSync(png));
    const place8 = file.indexOf("acTL");
    expect(file.readUInt32BE(place8 + 4)).toBe(8);
    const count = (type: string) => file.toString("latin1").split(type).length - 1;
    expect([count("fcTL"), count("IEND")]).toEqual([8, 1]);
    // The first frame of both is the same picture.
    const [left, right] = await Promise.all(
      [gif, png].map((path) => sharp(path).toColourspace("srgb").removeAlpha().raw().toBuffer()),
    );
    const differences = [...left!].map((value, at) => Math.abs(value - right![at]!));
    expect(Math.max(...differences)).toBeLessThan(12);
  });

  it("a folder of clips comes back, with folders as classes", async () => {
    const { samples } = await digits(6, "&seed=2");
    const folder = join(place, "clips");
    await writeClipFolder(
      join(folder, "a"),
      scope(() => samples.narrow(0, 0, 2).clone()),
    );
    await writeClipFolder(
      join(folder, "b"),
      scope(() => samples.narrow(0, 2, 4).clone()),
      2,
    );
    const read = await openDataset(folder, { frames: 8, resolution: 16, channels: 1 });
    expect(read.sampleShape).toEqual([1, 8, 16, 16]);
    expect([read.length, read.labelDim, read.classNames]).toEqual([6, 2, ["a", "b"]]);
    const back = await read.batch([0, 1, 2, 3, 4, 5]);
    expect(scope(() => back.samples.sub(samples).abs().max().item())).toBeLessThan(0.1);
    const shorter = await openDataset(folder, { frames: 3, resolution: 8, channels: 3, labels: false });
    expect([shorter.sampleShape, shorter.labelDim]).toEqual([[3, 3, 8, 8], 0]);
  });

  it("refuses other files in one line", async () => {
    const folder = join(place, "short");
    const { samples } = await digits(1);
    await writeClipFolder(folder, samples);
    const fail = (source: string, frames = 8) =>
      openDataset(source, { frames, resolution: 16, channels: 1 }).catch((error) => error.message);
    expect(await fail(folder, 9)).toBe(
      `${join(folder, "000000.gif")} has 8 frames, but clips of 9 are asked for`,
    );
    writeFileSync(join(folder, "broken.gif"), "GIF89a nothing");
    expect(await fail(folder)).toMatch(/broken\.gif is not a readable image/);
    const empty = join(place, "none");
    await writeClips(join(empty, "still.png"), samples);
    expect(await fail(empty)).toBe(`${empty} holds no clips: give a folder of animated GIFs or WebPs`);
    const lone = join(folder, "000000.gif");
    expect(await fail(lone)).toMatch(/is a single image: give its folder/);
    await expect(decodeFrames(Buffer.from("no picture"), "x.gif", 2)).rejects.toThrow(
      "x.gif is not a readable",
    );
  });
});
