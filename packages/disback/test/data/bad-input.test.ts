import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { type Zippable, zipSync } from "fflate";
import { pack } from "tar-stream";
import { describe, expect, it } from "vitest";
import { formatNpy } from "../../src/data/formats/npy.js";
import { openSamples } from "../../src/data/open-samples.js";
import type { OpenOptions } from "../../src/data/options.js";
import { DisbackError } from "../../src/errors.js";
import { fixture, temporaryFolder } from "./fixtures.js";

/** The message of the error that opening gives: a DisbackError of one line. */
async function failure(source: string, options: OpenOptions = {}): Promise<string> {
  const error = await openSamples(source, options).then(
    () => expect.fail(`${source} was opened`),
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(DisbackError);
  expect(error.message).not.toContain("\n");
  return error.message;
}

function write(name: string, bytes: Uint8Array): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, bytes);
  return path;
}

async function tarOf(entries: Record<string, Uint8Array>): Promise<Buffer> {
  const archive = pack();
  for (const [name, bytes] of Object.entries(entries)) archive.entry({ name }, Buffer.from(bytes));
  archive.finalize();
  const parts: Buffer[] = [];
  for await (const part of archive) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

const png = readFileSync(fixture("kinds/colour.png"));

describe("sources", () => {
  it("missing, empty, unknown, wrong options", async () => {
    expect(await failure("/no/such/data")).toMatch(/^dataset \/no\/such\/data does not exist: give a folder/);
    expect(await failure(write("empty.zip", new Uint8Array()))).toMatch(/empty\.zip is empty/);
    expect(await failure(write("text.zip", Buffer.from("hello")))).toMatch(/text\.zip has an unknown format/);
    expect(await failure(temporaryFolder())).toMatch(/holds no images/);
    expect(await failure(fixture("idx"), { resolution: 0 })).toMatch(/option "resolution"/);
    expect(await failure(fixture("idx"), { channels: 2 as 1 })).toMatch(/option "channels"/);
    expect(await failure(fixture("idx"), { size: 3 } as OpenOptions)).toMatch(/size/);
    expect(await failure(fixture("idx"), { split: "val" })).toMatch(/no split "val" \(found: train, test\)/);
    expect(await failure(fixture("idx/t10k-images-idx3-ubyte"), { split: "train" })).toMatch(
      /is the split "test"/,
    );
    expect(await failure(fixture("edm.zip"), { split: "test" })).toMatch(/has no split "test"/);
  });
});

describe("IDX", () => {
  const images = gunzipSync(readFileSync(fixture("idx/train-images-idx3-ubyte.gz")));
  const labels = readFileSync(fixture("idx/t10k-labels-idx1-ubyte"));

  function pair(imageBytes: Uint8Array, labelBytes?: Uint8Array): string {
    const path = write("train-images-idx3-ubyte", imageBytes);
    if (labelBytes) writeFileSync(path.replace("images-idx3", "labels-idx1"), labelBytes);
    return path;
  }

  it("cut short, too long, wrong magic, labels missing or too few", async () => {
    expect(await failure(pair(images.subarray(0, 2000)))).toMatch(
      /promises 5 x 28 x 28: it is damaged or cut short/,
    );
    expect(await failure(pair(images.subarray(0, 7)))).toMatch(/cut short inside its header/);
    expect(await failure(pair(Buffer.concat([images, Buffer.from([1])])))).toMatch(/holds more than/);
    expect(await failure(pair(images))).toMatch(/its labels train-labels-idx1-ubyte are not beside it/);
    expect(await failure(pair(images, labels))).toMatch(
      /holds 2 labels, but .*images-idx3-ubyte holds 5 images/,
    );
    expect(await failure(fixture("idx/train-labels-idx1-ubyte.gz"))).toMatch(
      /holds labels: give the file of images/,
    );
    expect(await failure(write("train-images-idx3-ubyte.gz", gzipSync(images).subarray(0, 3000)))).toMatch(
      /is damaged or cut short/,
    );
    const huge = Buffer.from([0, 0, 8, 3, 255, 0, 0, 0, 0, 0, 255, 255, 0, 0, 255, 255]);
    expect(await failure(pair(huge))).toMatch(/promises \d+ bytes of data, more than 8589934592: refused/);
    expect((await openSamples(pair(images), { labels: false })).length).toBe(5);
  });
});

describe("images", () => {
  function folderWith(files: Record<string, Uint8Array>): string {
    const folder = temporaryFolder();
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    return folder;
  }

  it("a broken one is named, or left out on demand, labels with it", async () => {
    const truncated = readFileSync(fixture("photo.png")).subarray(0, 3000);
    const jpeg = readFileSync(fixture("kinds/colour.jpg"));
    for (const broken of [
      Buffer.from("no image"),
      new Uint8Array(),
      truncated,
      jpeg.subarray(0, jpeg.length - 60),
    ]) {
      const folder = temporaryFolder();
      for (const name of ["x", "y"]) mkdirSync(join(folder, name));
      for (const name of ["x/1.png", "y/2.png", "y/3.png"])
        copyFileSync(fixture("kinds/colour.png"), join(folder, name));
      writeFileSync(join(folder, "x/9.png"), broken);
      expect(await failure(folder)).toMatch(/x\/9\.png is not a readable image \(.*\): .*--skip-broken/);
      for (const cacheBytes of [2 ** 20, 0]) {
        const warnings: string[] = [];
        const source = await openSamples(folder, {
          skipBroken: true,
          cacheBytes,
          onWarning: (line) => warnings.push(line),
        });
        expect([source.length, source.labelDim]).toEqual([3, 2]);
        const { samples, labels } = await source.read([0, 1, 2]);
        expect([...labels!]).toEqual([1, 0, 0, 1, 0, 1]);
        expect(samples.subarray(192, 384)).toEqual(samples.subarray(0, 192));
        expect(warnings.join()).toMatch(/^left out: .*x\/9\.png/);
      }
    }
    const all = folderWith({ "a.png": Buffer.from("?") });
    expect(await failure(all, { skipBroken: true })).toMatch(/every image in it is broken/);
  });

  it("a broken first one is left out too", async () => {
    const folder = folderWith({ "a.png": Buffer.from("?"), "b.png": png });
    expect((await openSamples(folder, { skipBroken: true })).length).toBe(1);
  });

  it("sizes that differ, and images that are not square", async () => {
    const photo = readFileSync(fixture("photo.png"));
    const mixed = folderWith({ "a.png": png, "b.png": photo });
    expect(await failure(mixed)).toMatch(/b\.png is 84 x 60, but .*a\.png is 8 x 8: choose a resolution/);
    expect(await failure(mixed, { skipBroken: true })).toMatch(/choose a resolution/);
    expect(await failure(folderWith({ "b.png": photo }))).toMatch(/84 x 60, but images must be square/);
    expect((await openSamples(mixed, { resolution: 8 })).sampleShape).toEqual([3, 8, 8]);
  });

  it("class folders with images outside them", async () => {
    const folder = folderWith({ "a.png": png });
    mkdirSync(join(folder, "x"));
    writeFileSync(join(folder, "x", "b.png"), png);
    expect(await failure(folder)).toMatch(/but a\.png does not: move it/);
  });

  it("dataset.json that does not match", async () => {
    const zip = (json: string): string =>
      write("d.zip", zipSync({ "a.png": png, "b.png": png, "dataset.json": Buffer.from(json) }));
    expect(await failure(zip('{"labels": [["a.png", 0]]}'))).toMatch(
      /d\.zip:dataset\.json has no label for b\.png/,
    );
    expect(await failure(zip('{"labels": [["a.png", 0], ["b.png", 1], ["c.png", 1]]}'))).toMatch(
      /3 labels.*2 images/,
    );
    expect(await failure(zip('{"labels": [["a.png", 0], ["b.png", [1, 2]]]}'))).toMatch(
      /label of b\.png has another/,
    );
    expect(await failure(zip('{"labels": [["a.png", 0], ["b.png", -1]]}'))).toMatch(/label -1 of sample 1/);
    expect(await failure(zip('{"labels": 3}'))).toMatch(/dataset\.json: labels: /);
    expect(await failure(zip("{"))).toMatch(/not valid JSON/);
  });
});

describe("archives", () => {
  it("names that climb out", async () => {
    const tar = write("evil.tar", await tarOf({ "../../a.png": png }));
    expect(await failure(tar)).toMatch(/the entry "\.\.\/\.\.\/a\.png" points outside the archive: refused/);
    const absolute = write("evil.tar.gz", gzipSync(await tarOf({ "/etc/a.png": png })));
    expect(await failure(absolute)).toMatch(/points outside the archive/);
    const files: Zippable = { "../a.png": png };
    expect(await failure(write("evil.zip", zipSync(files)))).toMatch(
      /damaged or unsafe zip file \(.*\.\.\/a\.png/,
    );
  });

  it("bombs: contents are bounded", async () => {
    const zeros = new Uint8Array(200_000);
    const limits = { entryBytes: 100_000, totalBytes: 150_000 };
    const zip = write("bomb.zip", zipSync({ "a.png": zeros }));
    expect(await failure(zip, { limits })).toMatch(
      /bomb\.zip:a\.png unpacks to 200000 bytes, more than 100000/,
    );
    const tar = write("bomb.tar.gz", gzipSync(await tarOf({ "a.png": zeros })));
    expect(await failure(tar, { limits: { ...limits, totalBytes: 10 ** 6 } })).toMatch(
      /a\.png holds more than 100000/,
    );
    expect(await failure(tar, { limits })).toMatch(/unpacks to more than 150000 bytes/);
    const npz = write("bomb.npz", zipSync({ "images.npy": formatNpy(zeros, [200, 1000, 1]) }));
    expect(await failure(npz, { limits: { totalBytes: 1000 } })).toMatch(/more than 1000: refused/);
    const lying = zipSync({ "a.png": zeros });
    // The stated size, in the local and the central header, becomes 50 bytes.
    for (const [signature, offset] of [
      ["PK\x03\x04", 22],
      ["PK\x01\x02", 24],
    ] as const) {
      const start = Buffer.from(lying).indexOf(signature, 0, "latin1");
      new DataView(lying.buffer).setUint32(start + offset, 50, true);
    }
    expect(await failure(write("lying.zip", lying), { limits })).toMatch(/lying\.zip:a\.png is damaged/);
  });

  it("damaged or cut short", async () => {
    const tar = readFileSync(fixture("pets.tar.gz"));
    expect(await failure(write("half.tar.gz", tar.subarray(0, 600)))).toMatch(
      /half\.tar\.gz.* damaged or cut short/,
    );
    const plain = gunzipSync(tar);
    expect(await failure(write("half.tar", plain.subarray(0, 700)))).toMatch(
      /half\.tar.* damaged or cut short/,
    );
    const zip = readFileSync(fixture("edm.zip"));
    expect(await failure(write("half.zip", zip.subarray(0, 1500)))).toMatch(
      /half\.zip is a damaged or unsafe zip/,
    );
    const flipped = Buffer.from(readFileSync(fixture("points.npz")));
    const data = flipped.indexOf("}", 0, "latin1") + 64;
    flipped[data]! ^= 1;
    expect(await failure(write("flipped.npz", flipped))).toMatch(/\.npy is damaged: its checksum is wrong/);
  });

  it("CIFAR records cut short, with bad labels, or as pickles", async () => {
    expect(await failure(write("data_batch_1.bin", new Uint8Array(5000)))).toMatch(
      /not a whole number of CIFAR records/,
    );
    const bad = new Uint8Array(3073).fill(77);
    expect(await failure(write("data_batch_1.bin", bad))).toMatch(/label 77 of record 0 is not below 10/);
    const pickles = gzipSync(await tarOf({ "cifar-10-batches-py/data_batch_1": Buffer.from("x") }));
    expect(await failure(write("cifar-10-python.tar.gz", pickles))).toMatch(
      /data_batch_1: damaged or hostile pickle, byte 0/,
    );
    const onlyTest = write("test_batch.bin", new Uint8Array(3073));
    expect(await failure(join(onlyTest, ".."))).toMatch(/no CIFAR batches of split "train"/);
  });

  it(".npz without images, with too few labels, or with values that are no pixels", async () => {
    const npz = (arrays: Record<string, Uint8Array>): string => write("a.npz", zipSync(arrays));
    const images = formatNpy(new Uint8Array(32), [2, 4, 4, 1]);
    expect(await failure(npz({ "z.npy": images }))).toMatch(/no array named images.*\(found: z\)/);
    const one = formatNpy(BigInt64Array.of(1n), [1]);
    expect(await failure(npz({ "images.npy": images, "labels.npy": one }))).toMatch(
      /holds 1 labels, but 2 samples/,
    );
    const wild = formatNpy(new Float32Array(32).fill(300), [2, 4, 4, 1]);
    expect(await failure(npz({ "images.npy": wild }))).toMatch(/pixels range from 300 to 300/);
    const nan = formatNpy(new Float32Array(32).fill(Number.NaN), [2, 4, 4, 1]);
    expect(await failure(npz({ "images.npy": nan }))).toMatch(/element 0 of the samples is NaN/);
    const odd = formatNpy(new Uint8Array(32), [2, 4, 4]);
    expect(await failure(npz({ "images.npy": odd.subarray(0, odd.length - 1) }))).toMatch(
      /damaged or cut short/,
    );
    expect(await failure(npz({ "images.npy": formatNpy(new Uint8Array(32), [2, 2, 4, 2]) }))).toMatch(
      /neither images/,
    );
  });
});
