import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openDataset } from "../../src/data/dataset.js";
import { describeLeftOut } from "../../src/data/left-out.js";
import { openSamples } from "../../src/data/open-samples.js";
import { allClasses, type FileTree, fixture, folderOf, grey, tarOf, values, zipOf } from "./fixtures.js";

const [one, two, seven] = [await grey(1), await grey(2), await grey(7)];
const pets: FileTree = { "cat/0.png": one, "cat/1.png": one, "dog/0.png": two };

/** The same files as a folder, a zip and a tar. */
async function everywhere(files: FileTree): Promise<string[]> {
  return [folderOf(files), zipOf(files), await tarOf(files), await tarOf(prefixed(files, "pets/"))];
}
const prefixed = (files: FileTree, prefix: string): FileTree =>
  Object.fromEntries(Object.entries(files).map(([path, bytes]) => [prefix + path, bytes]));

describe("hidden and system folders", () => {
  it.each([
    ".ipynb_checkpoints/0-checkpoint.png",
    "cat/.ipynb_checkpoints/0-checkpoint.png",
    "cat/@eaDir/0.png/SYNOPHOTO_THUMB_M.jpg",
    ".Trash-1000/files/old.png",
    "#recycle/0.png",
    "$RECYCLE.BIN/S-1-5/0.png",
    "System Volume Information/0.png",
    ".git/0.png",
    "@Recycle/0.png",
    "lost+found/0.png",
  ])("%s is no class", async (path) => {
    for (const source of await everywhere({ ...pets, [path]: seven })) {
      const data = await openSamples(source);
      expect([data.classNames, await values(data), await allClasses(data)]).toEqual([
        ["cat", "dog"],
        [1, 1, 2],
        [0, 0, 1],
      ]);
      expect(describeLeftOut(data)).toMatch(/^left out: 1 hidden folder \(.*\)$/);
    }
  });

  it("macOS's folder in a zip, and hidden files", async () => {
    const data = await openSamples(
      zipOf({
        ...pets,
        "__MACOSX/cat/._0.png": "x",
        "cat/.DS_Store": "x",
        "dog/Thumbs.db": "x",
        "dog/._0.png": "x",
      }),
    );
    expect([data.length, describeLeftOut(data)]).toEqual([
      3,
      "left out: 1 hidden folder (__MACOSX), 3 hidden files (cat/.DS_Store, …)",
    ]);
  });

  it("images beside a hidden folder have no classes", async () => {
    const data = await openSamples(folderOf({ "0.png": one, "1.png": two, ".thumbnails/0.png": seven }));
    expect([data.labelDim, await values(data)]).toEqual([0, [1, 2]]);
  });
});

describe("what is left out", () => {
  it("is counted by its ending, in one line that callers are told", async () => {
    const files = {
      ...pets,
      "cat/5.heic": "x",
      "cat/6.HEIC": "x",
      "notes.txt": "x",
      "dog/labels.csv": "a,b",
    };
    for (const source of await everywhere(files)) {
      const lines: string[] = [];
      const data = await openDataset(source, { onWarning: (line) => lines.push(line) });
      expect(lines.find((line) => line.startsWith("left out"))).toMatch(
        /^left out: 2 \.heic \((pets\/)?cat\/5\.heic, …\), 1 \.csv \((pets\/)?dog\/labels\.csv\), 1 \.txt \((pets\/)?notes\.txt\)$/,
      );
      expect(data.leftOut!.reduce((sum, { count }) => sum + count, 0)).toBe(4);
    }
    expect(describeLeftOut(await openDataset(folderOf(pets)))).toBeUndefined();
  });

  it("are links to nothing and back to a folder above; other links are followed", async () => {
    const folder = folderOf({ ...pets, "elsewhere/x.png": seven });
    const data = join(folderOf({}), "data");
    mkdirSync(data);
    for (const name of ["cat", "dog"]) symlinkSync(join(folder, name), join(data, name));
    symlinkSync(join(folder, "elsewhere"), join(data, "owl"));
    symlinkSync(join(folder, "elsewhere"), join(data, "pig"));
    symlinkSync(data, join(data, "owls"));
    symlinkSync(join(folder, "nowhere"), join(data, "gone.png"));
    const source = await openSamples(data);
    expect([source.classNames, await values(source)]).toEqual([
      ["cat", "dog", "owl", "pig"],
      [1, 1, 2, 7, 7],
    ]);
    expect(describeLeftOut(source)).toBe(
      "left out: 1 link to nothing (gone.png), 1 link to a folder it lies in (owls)",
    );
  });

  it("never is a whole class", async () => {
    const heic = { ...pets, "berry/0.heic": "x", "berry/1.heic": "x" };
    for (const source of await everywhere(heic))
      await expect(openSamples(source)).rejects.toThrow(
        /the class berry would be lost: none of its 2 files can be read \(.*berry\/0\.heic\): convert them/,
      );
    const alone = { "cat/0.png": one, "berry/0.heic": "x" };
    await expect(openSamples(folderOf(alone))).rejects.toThrow(/the class berry would be lost/);
    expect((await openSamples(folderOf(alone), { labels: false })).length).toBe(1);
    const split = { "train/cat/0.png": one, "train/dog/0.png": two, "train/berry/0.heic": "x" };
    await expect(openSamples(folderOf(split))).rejects.toThrow(/the class berry would be lost/);
    const empty = folderOf(pets);
    mkdirSync(join(empty, "owl"));
    await expect(openSamples(empty)).rejects.toThrow(/the class folder owl is empty/);
    const broken = folderOf({ ...pets, "owl/0.png": "broken", "owl/1.png": "broken" });
    await expect(openSamples(broken, { skipBroken: true })).rejects.toThrow(
      /all 2 images of the class owl are broken/,
    );
    const some = await openSamples(folderOf({ ...pets, "cat/2.png": "broken" }), { skipBroken: true });
    expect(describeLeftOut(some)).toMatch(/^left out: 1 broken image \(.*cat\/2\.png\)/);
  });

  it.each([
    [{ "a.heic": "x", "b.heic": "x" }, /holds no images \(found: 2 \.heic\): HEIC is not read: convert/],
    [{ "data.mdb": "x", "lock.mdb": "x" }, /found: 2 \.mdb\): LMDB is not read/],
    [{ "a.tfrecord-00000-of-00001": "x" }, /TFRecord is not read/],
    [{ "data-00000.arrow": "x", "state.json": "{}" }, /"save_to_disk".*"to_parquet"/],
    [{ "x.mat": "x" }, /MATLAB's files are not read: save the array as \.npz/],
    [{ "train.csv": "label,pixel0" }, /pixels in CSV are not read/],
    [{ "photos.zip": "x" }, /give the zip itself/],
    [{ ".hidden/a.png": "x" }, /holds no images \(found: 1 hidden\)/],
    [{}, /holds no images \(it is empty\): give a folder or archive of image files \(\.png/],
  ] as [FileTree, RegExp][])("where nothing is left, what to do is said: %o", async (files, message) => {
    await expect(openSamples(folderOf(files))).rejects.toThrow(message);
  });

  it("single files of other formats say what to do", async () => {
    const folder = folderOf({
      "data.csv": "label,pixel0\n",
      "a.h5": "\x89HDF",
      "a.png": one,
      "x.parquet": "PAR1",
    });
    await expect(openSamples(join(folder, "data.csv"))).rejects.toThrow(/pixels in CSV are not read/);
    await expect(openSamples(join(folder, "a.h5"))).rejects.toThrow(/HDF5 is not read/);
    await expect(openSamples(join(folder, "a.png"))).rejects.toThrow(/is a single image: give its folder/);
    await expect(openSamples(join(folder, "x.parquet"))).rejects.toThrow(/damaged Parquet file/);
  });

  it("is what an empty class was: it is said", async () => {
    const { notes, classCounts } = await openSamples(fixture("idx"));
    expect([classCounts, notes]).toEqual([
      [1, 1, 0, 2, 0, 0, 0, 0, 0, 1],
      ["6 of 10 classes have no samples (2, 4, 5, 6, 7, …)"],
    ]);
  });
});
