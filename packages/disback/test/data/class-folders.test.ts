import { describe, expect, it } from "vitest";
import { describeLeftOut } from "../../src/data/left-out.js";
import { openSamples } from "../../src/data/open-samples.js";
import { allClasses, type FileTree, folderOf, grey, tarOf, values, zipOf } from "./fixtures.js";

const shades = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(grey));
/** Files named in order, each of its own shade. */
const tree = (...paths: string[]): FileTree =>
  Object.fromEntries(paths.map((path, index) => [path, shades[index]!]));

describe("torchvision's rule: the class is the first folder below the split", () => {
  it("in folders of folders", async () => {
    const files = tree("cats/2020/a.png", "cats/2021/a.png", "dogs/2020/a.png", "dogs/b.png");
    for (const source of [folderOf(files), zipOf(files), await tarOf(files)]) {
      const data = await openSamples(source);
      expect([data.classNames, await allClasses(data), await values(data)]).toEqual([
        ["cats", "dogs"],
        [0, 0, 1, 1],
        [0, 1, 2, 3],
      ]);
    }
  });

  it("in Tiny ImageNet, whose second split has no classes", async () => {
    const files = tree("train/n2/images/a.png", "train/n1/images/a.png", "val/images/v.png", "wnids.txt");
    for (const source of [
      folderOf(files),
      zipOf(Object.fromEntries(Object.entries(files).map(([path, bytes]) => [`tiny/${path}`, bytes]))),
    ]) {
      const train = await openSamples(source);
      expect([train.classNames, await values(train)]).toEqual([
        ["n1", "n2"],
        [1, 0],
      ]);
      expect(describeLeftOut(train)).toMatch(
        /^left out: 1 image in val\/ \(.*v\.png\), 1 \.txt \(.*wnids\.txt\)$/,
      );
      const val = await openSamples(source, { split: "val" });
      expect([val.labelDim, val.notes]).toEqual([
        0,
        ['the folders of this split are not the classes of the split "train": it has no labels'],
      ]);
    }
  });

  it("numbers every split as the training's", async () => {
    const files = tree("Train/a/0.png", "Train/b/0.png", "Train/c/0.png", "Test/b/0.png", "Test/c/1.png");
    const test = await openSamples(folderOf(files), { split: "test" });
    expect([test.classNames, await allClasses(test), test.classCounts]).toEqual([
      ["a", "b", "c"],
      [1, 2],
      [0, 1, 1],
    ]);
    const strange = tree("train/a/0.png", "train/b/0.png", "test/b/0.png", "test/z/0.png");
    await expect(openSamples(folderOf(strange), { split: "test" })).rejects.toThrow(
      /the folder of test\/z\/0\.png is no class of the split "train"/,
    );
  });
});

describe("splits", () => {
  it.each([
    ["training", "testing", "test"],
    ["TRAIN", "VAL", "validation"],
    ["train", "valid", "val"],
    ["train", "dev", "val"],
  ])("%s and %s: %s is found", async (first, second, asked) => {
    const folder = folderOf(
      tree(`${first}/a/0.png`, `${first}/b/0.png`, `${second}/a/0.png`, `${second}/b/0.png`),
    );
    expect(await values(await openSamples(folder))).toEqual([0, 1]);
    expect(await values(await openSamples(folder, { split: asked }))).toEqual([2, 3]);
    await expect(openSamples(folder, { split: "extra" })).rejects.toThrow(/no split "extra" \(found: /);
  });

  it("are splits although other images lie beside them", async () => {
    const folder = folderOf(
      tree("train/a/0.png", "train/b/0.png", "test/a/0.png", "docs/figure.png", "logo.png"),
    );
    const data = await openSamples(folder);
    expect([data.classNames, await values(data)]).toEqual([
      ["a", "b"],
      [0, 1],
    ]);
    expect(describeLeftOut(data)).toBe(
      "left out: 1 image outside the splits (logo.png), 1 image in docs/ (docs/figure.png), 1 image in test/ (test/a/0.png)",
    );
    expect(await values(await openSamples(folder, { split: "docs" }))).toEqual([3]);
  });

  it("are none where a class is called train", async () => {
    const data = await openSamples(folderOf(tree("bus/0.png", "car/0.png", "train/0.png")));
    expect(data.classNames).toEqual(["bus", "car", "train"]);
  });

  it("without train are read together, which is said", async () => {
    const data = await openSamples(folderOf(tree("test/a/0.png", "val/a/0.png", "val/b/0.png")));
    expect([data.classNames, data.notes]).toEqual([
      ["a", "b"],
      ['there is no split "train": the images of test, val are read together'],
    ]);
  });

  it("may lie below the classes", async () => {
    const files = tree("cat/train/0.png", "cat/test/0.png", "dog/train/0.png", "dog/test/0.png");
    const data = await openSamples(folderOf(files));
    expect([data.classNames, await values(data)]).toEqual([
      ["cat", "dog"],
      [0, 2],
    ]);
  });
});

describe("one folder", () => {
  it("is no class, which is said", async () => {
    const folder = folderOf(tree("all/cat/0.png", "all/dog/0.png"));
    const data = await openSamples(folder);
    expect([data.labelDim, data.notes]).toEqual([
      0,
      [
        `all images lie in one folder, all: there are no classes (if the folders in it are, give ${folder}/all)`,
      ],
    ]);
  });

  it("that an archive is packed in is looked into", async () => {
    const files = tree("pets/cat/0.png", "pets/dog/0.png");
    for (const source of [zipOf(files), await tarOf(files)]) {
      const data = await openSamples(source);
      expect([data.classNames, data.notes]).toEqual([
        ["cat", "dog"],
        ["all files lie in the folder pets: the folders in it are the classes"],
      ]);
    }
  });

  it("with files that are no pictures beside it is no class either", async () => {
    const data = await openSamples(
      folderOf({ ...tree("JPEGImages/0.png", "JPEGImages/1.png"), "Annotations/0.xml": "x" }),
    );
    expect([data.labelDim, describeLeftOut(data)]).toEqual([0, "left out: 1 .xml (Annotations/0.xml)"]);
  });
});
