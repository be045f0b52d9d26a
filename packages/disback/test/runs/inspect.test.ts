import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { formatNpy } from "../../src/data/formats/npy.js";
import { inspect } from "../../src/runs/inspect/inspect.js";
import { fixture, folderOf, grey, temporaryFolder } from "../data/fixtures.js";

const facts = ({ facts: list }: { facts: [string, string][] }): string =>
  list.map(([name, value]) => `${name.trim()}: ${value}`).join("\n");

const noise = (seed: number): Promise<Buffer> =>
  sharp(
    Uint8Array.from({ length: 192 }, (_, index) => (index * seed * 7919 + seed * 31) % 256),
    {
      raw: { width: 8, height: 8, channels: 3 },
    },
  )
    .png()
    .toBuffer();

describe("inspect shows what a training will see", () => {
  it("count, classes with their sizes, values, sizes, captions, what was left out", async () => {
    const folder = folderOf({
      "cat/0.png": await noise(1),
      "cat/0.txt": "a cat",
      "cat/1.png": await noise(2),
      "dog/0.png": await noise(3),
      "dog/1.heic": "x",
      ".thumbs/0.png": "x",
    });
    const found = await inspect(folder);
    expect(facts(found)).toMatch(
      /samples: 3\nshape: \[3, 8, 8\]\nstored as: 8 x 8\nvalues: \d+ to \d+, mean \d+ of 255\nclasses: 2\ncat: 2\ndog: 1\ncaptions: "a cat", … \(2 samples have none\)\nleft out: 1 hidden folder \(\.thumbs\), 1 \.heic \(dog\/1\.heic\)$/,
    );
    expect(found.document).toMatchObject({
      samples: 3,
      sizes: [{ width: 8, height: 8, count: 3 }],
      classes: [
        { name: "cat", count: 2 },
        { name: "dog", count: 1 },
      ],
      warnings: [],
      leftOut: [{ kind: "hidden folder", count: 1 }, { kind: ".heic" }],
    });
    expect(found.hint).toMatch(/--out pictures\.png/);
  });

  it("opens what differs in size and colour, and says how it is seen", async () => {
    const folder = folderOf({
      "a.png": readFileSync(fixture("kinds/grey.png")),
      "b.png": readFileSync(fixture("photo.png")),
      "c.png": await noise(4),
    });
    const text = facts(await inspect(folder));
    expect(text).toMatch(
      /shape: \[3, 64, 64\]\nstored as: 2 sizes, 8 x 8 to 84 x 60, most often 8 x 8 \(2\)/,
    );
    expect(text).toMatch(/note: .*b\.png is 84 x 60, but .*a\.png is 8 x 8: seen here at 64 x 64/);
    expect(text).toMatch(/note: .*b\.png is a colour image among grey ones: seen here in colour/);
    expect(facts(await inspect(folder, { resolution: 16, channels: 1 }))).toMatch(/shape: \[1, 16, 16\]/);
  });

  it("draws the first pictures: a row per class", async () => {
    const values = [10, 20, 30];
    const folder = folderOf({
      "a/0.png": await grey(values[0]!),
      "b/0.png": await grey(values[1]!),
      "b/1.png": await grey(values[2]!),
    });
    const out = join(temporaryFolder(), "new", "pictures.png");
    expect(facts(await inspect(folder, { out }))).toContain(`pictures: ${out}`);
    const { data, info } = await sharp(out).raw().toBuffer({ resolveWithObject: true });
    const at = (row: number, column: number): number =>
      data[((4 + row * 68 + 32) * info.width + 120 + 4 + column * 68 + 32) * info.channels]!;
    expect([at(0, 0), at(0, 1), at(1, 0), at(1, 1), at(1, 2)]).toEqual([10, 255, 20, 30, 255]);
    expect([info.width, info.height]).toEqual([120 + 4 + 8 * 68, 4 + 2 * 68]);
  });

  it.each([
    ["equal", 5, 128, /warning: all samples are equal/],
    ["of one colour", 5, 128, /warning: all 5 samples have a single colour/],
    ["black", 4, 3, /warning: all pixels are nearly black \(0 to 3 of 255\)/],
    ["white", 4, 250, /warning: all pixels are nearly white \(from 250 of 255 on\)/],
  ])("warns of samples that are %s", async (_, count, value, message) => {
    const pixels = new Uint8Array(count * 64).fill(value);
    if (value < 16) pixels.fill(0, 0, 64);
    const path = join(folderOf({ "x.npy": formatNpy(pixels, [count, 8, 8]) }), "x.npy");
    expect(facts(await inspect(path))).toMatch(message);
  });

  it("warns of empty classes and copies", async () => {
    const same = await noise(1);
    const folder = folderOf({
      "0.png": same,
      "1.png": same,
      "2.png": await noise(2),
      "dataset.json": '{"labels": [["0.png", 0], ["1.png", 2], ["2.png", 2]]}',
    });
    const text = facts(await inspect(folder));
    expect(text).toMatch(/warning: 1 of 3 samples are exact copies of others/);
    expect(text).toMatch(/warning: 1 of 3 classes have no samples \(1\)/);
    expect(text).not.toMatch(/note:/);
  });

  it("knows reference statistics, and flags of data sets belong to data sets", async () => {
    const file = fixture("brought/statistics.npz");
    const found = await inspect(file);
    expect([found.kind, found.facts]).toEqual([
      "reference statistics (.npz of mu and sigma)",
      [
        ["mu", "[6]"],
        ["sigma", "[6, 6]"],
      ],
    ]);
    await expect(inspect(file, { split: "test" })).rejects.toThrow(
      /--split is for data sets, but .* is a reference/,
    );
  });
});
