import { describe, expect, it } from "vitest";
import { describeLeftOut } from "../../src/data/left-out.js";
import { openSamples } from "../../src/data/open-samples.js";
import { allClasses, type FileTree, folderOf, grey, tarOf, values, zipOf } from "./fixtures.js";

const [a, b, c] = await Promise.all([0, 1, 2].map(grey));
const images = { "a.png": a!, "b.png": b!, "c.png": c! };
const withJson = (labels: unknown): FileTree => ({ ...images, "dataset.json": JSON.stringify({ labels }) });

describe("metadata of Hugging Face's imagefolder", () => {
  const lines = [
    { file_name: "a.png", label: "dog", text: "a dog", id: 1 },
    { file_name: "b.png", label: "cat", text: "a cat, asleep", id: 2 },
    { file_name: "c.png", label: "dog", text: ["two dogs", "dogs"], id: 3 },
  ];

  it("gives labels and captions, as JSON lines in folders and archives", async () => {
    const files = {
      ...images,
      "metadata.jsonl": lines.map((line) => `${JSON.stringify(line)}\n`).join("\n"),
    };
    for (const source of [folderOf(files), zipOf(files), await tarOf(files)]) {
      const data = await openSamples(source);
      expect([data.classNames, await allClasses(data), data.captions]).toEqual([
        ["cat", "dog"],
        [1, 0, 1],
        ["a dog", "a cat, asleep", "two dogs"],
      ]);
      expect(describeLeftOut(data)).toBe("left out: 1 column of metadata.jsonl (id)");
    }
  });

  it("gives them as CSV, per split and below folders, and counts rows without an image", async () => {
    const data = await openSamples(
      folderOf({
        "train/x/a.png": a!,
        "train/b.png": b!,
        "test/c.png": c!,
        "train/metadata.csv":
          '\ufefffile_name,label,text\nx/a.png,3,"one, two"\r\nb.png,0,\r\ngone.png,1,z\n',
        "test/metadata.csv": "file_name,label\nc.png,1\n",
      }),
    );
    expect([await values(data), await allClasses(data), data.captions, data.labelDim]).toEqual([
      [1, 0],
      [0, 3],
      ["", "one, two"],
      4,
    ]);
    expect(describeLeftOut(data)).toBe(
      "left out: 1 image in test/ (test/c.png), 1 row of metadata.csv without an image (gone.png)",
    );
  });

  it("may give captions only: the folders are the classes", async () => {
    const rows = "file_name,text\nx/a.png,one\ny/b.png,two\n";
    const data = await openSamples(folderOf({ "x/a.png": a!, "y/b.png": b!, "metadata.csv": rows }));
    expect([data.classNames, data.captions]).toEqual([
      ["x", "y"],
      ["one", "two"],
    ]);
    const plain = await openSamples(folderOf({ "x/a.png": a!, "y/b.png": b!, "metadata.csv": rows }), {
      labels: false,
    });
    expect([plain.labelDim, plain.captions]).toEqual([0, ["one", "two"]]);
  });

  it.each([
    ["metadata.csv", "file_name,label\na.png,1\nb.png,2\n", /metadata\.csv has no row for c\.png/],
    ["metadata.csv", "name,label\na.png,1\n", /row 1 has no "file_name"/],
    ["metadata.csv", 'file_name,label\n"a.png,1\n', /metadata\.csv is not valid CSV/],
    ["metadata.jsonl", '{"file_name": "a.png"\n', /line 1 is not valid JSON/],
    ["metadata.jsonl", "[1]\n", /line 1 is not an object/],
    [
      "metadata.jsonl",
      '{"file_name":"a.png","label":1}\n{"file_name":"b.png","label":null}\n{"file_name":"c.png","label":1}\n',
      /b\.png: null is not a label/,
    ],
  ])("that does not fit is refused: %s %j", async (name, text, message) => {
    await expect(openSamples(folderOf({ ...images, [name]: text }))).rejects.toThrow(message);
  });
});

describe("dataset.json", () => {
  it.each([
    ["numbers", [0, 2, 1], 3, [0, 2, 1]],
    ["lists of one", [[0], [3], [1]], 4, [0, 3, 1]],
    [
      "one-hot rows",
      [
        [0, 0, 1, 0],
        [1, 0, 0, 0],
        [0, 1, 0, 0],
      ],
      4,
      [2, 0, 1],
    ], // prettier-ignore
    ["names", ["dog", "cat", "dog"], 2, [1, 0, 1]],
  ] as const)("of %s gives classes", async (_, labels, dim, classes) => {
    const rows = Object.keys(images).map((name, index) => [name, labels[index]]);
    const data = await openSamples(folderOf(withJson(rows)));
    expect([data.labelDim, await allClasses(data), data.classCounts?.length]).toEqual([dim, classes, dim]);
  });

  it("of soft rows gives rows", async () => {
    const data = await openSamples(
      folderOf(
        withJson([
          ["a.png", [0.5, 0.5]],
          ["b.png", [1, 0]],
          ["c.png", [0, 1]],
        ]),
      ),
    ); // prettier-ignore
    expect([data.classCounts, [...(await data.read([0])).labels!]]).toEqual([undefined, [0.5, 0.5]]);
  });

  it("of null says that folders are no classes; one in an archive's own folder is found", async () => {
    const folders = { "x/a.png": a!, "y/b.png": b!, "dataset.json": '{"labels": null}' };
    expect((await openSamples(folderOf(folders))).labelDim).toBe(0);
    const packed = {
      "set/00000/img00000000.png": a!,
      "set/00000/img00000001.png": b!,
      "set/dataset.json": '{"labels": [["00000/img00000000.png", 1], ["00000/img00000001.png", 0]]}',
    };
    for (const source of [zipOf(packed), await tarOf(packed), folderOf(packed)])
      expect(await allClasses(await openSamples(source))).toEqual([1, 0]);
  });
});

describe("WebDataset", () => {
  const shard = (first: number): FileTree => ({
    [`00${first}.jpg`]: a!,
    [`00${first}.cls`]: `${first % 3}\n`,
    [`00${first}.txt`]: `picture ${first}`,
    [`00${first}.json`]: JSON.stringify({ url: "x", width: 8 }),
    [`00${first}.mask.png`]: c!,
    [`0${first}1.png`]: b!,
    [`0${first}1.cls`]: "1",
    [`0${first}1.txt`]: `picture ${first}1`,
  });

  it("tars give classes and captions; further images and fields are counted", async () => {
    const data = await openSamples(await tarOf(shard(2)));
    expect([await values(data), await allClasses(data), data.captions]).toEqual([
      [0, 1],
      [2, 1],
      ["picture 2", "picture 21"],
    ]);
    expect(describeLeftOut(data)).toBe(
      "left out: 1 further image of a sample (002.mask.png), 2 fields of .json (url, …)",
    );
  });

  it("labels and captions may be fields of the JSON", async () => {
    const json = (label: string, caption: string): string => JSON.stringify({ label, caption });
    const data = await openSamples(
      await tarOf({ "1.png": a!, "1.json": json("owl", "x"), "2.png": b!, "2.json": json("ape", "y") }),
    );
    expect([data.classNames, await allClasses(data), data.captions]).toEqual([
      ["ape", "owl"],
      [1, 0],
      ["x", "y"],
    ]);
  });

  it("folders of shards are one set, by split", async () => {
    const { readFileSync } = await import("node:fs");
    const tar = async (first: number): Promise<Buffer> => readFileSync(await tarOf(shard(first)));
    const folder = folderOf({
      "pets-train-000000.tar": await tar(1),
      "pets-train-000001.tar": await tar(2),
      "pets-test-000000.tar": await tar(3),
      "sizes.csv": "x",
    });
    const train = await openSamples(folder);
    expect([await allClasses(train), train.captions]).toEqual([
      [1, 1, 2, 1],
      ["picture 1", "picture 11", "picture 2", "picture 21"],
    ]);
    expect(describeLeftOut(train)).toMatch(
      /1 file of other splits \(pets-test-000000\.tar\), 1 \.csv \(sizes\.csv\)/,
    );
    const test = await openSamples(folder, { split: "test" });
    expect([test.length, test.captions?.[0]]).toEqual([2, "picture 3"]);
    await expect(openSamples(folder, { split: "val" })).rejects.toThrow(
      /has no split "val" \(found: test, train\)/,
    );
  });

  it("a sample without a class among others is an error", async () => {
    await expect(openSamples(await tarOf({ "1.png": a!, "1.cls": "0", "2.png": b! }))).rejects.toThrow(
      /2\.png has no label beside it/,
    );
  });

  it("the same files beside images in folders and zips count too, by their whole names", async () => {
    const files = { "x.1.png": a!, "x.1.txt": "one", "x.2.png": b!, "x.2.txt": "two", "y.png": c! };
    for (const source of [folderOf(files), zipOf(files)]) {
      const data = await openSamples(source);
      expect([data.length, data.captions, data.leftOut]).toEqual([3, ["one", "two", ""], []]);
    }
  });
});
