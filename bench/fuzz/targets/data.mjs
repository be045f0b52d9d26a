// Everything `openDataset` reads.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { mutateTar, mutateZip, untar, unzip } from "../mutate-archive.mjs";
import { mutateBytes } from "../mutate-bytes.mjs";
import { mutateJson } from "../mutate-json.mjs";
import { built, fileTarget, fixture } from "./files.mjs";

const { openSamples } = await built("data/open-samples");
const { parseDatasetJson } = await built("data/formats/dataset-json");
const { Labels } = await built("data/labels");
const limits = { entryBytes: 2 ** 24, totalBytes: 2 ** 25 };

/** Opens a data set and reads a few samples. */
async function openAndRead(path, options = {}) {
  const source = await openSamples(path, { limits, cacheBytes: 2 ** 26, ...options });
  await source.read([0, source.length - 1]);
  await source.fingerprint();
}

const pictures = [
  "alpha.png",
  "colour.jpg",
  "colour.png",
  "colour.tiff",
  "colour.webp",
  "grey.png",
  "grey16.png",
  "palette.gif",
  "turned.jpg",
]; // prettier-ignore
const pictureBytes = pictures.map((name) => fixture(`data/kinds/${name}`));
/** Those that are decoded by our own code, and CMYK. */
const ownBytes = [
  "transparent.gif",
  "interlaced.gif",
  "animated.gif",
  "colour.bmp",
  "palette.bmp",
  "rle8.bmp",
  "rle4.bmp",
  "rgb565.bmp",
  "os2.bmp",
  "top-down.bmp",
  "colour.ppm",
  "plain.ppm",
  "plain.pbm",
  "one.pbm",
  "deep.ppm",
  "cmyk.jpg",
  "cmyk.tif",
].map((name) => fixture(`data/brought/kinds/${name}`));

/** Damaged entries are no longer JSON or arrays: only their bytes are changed. */
function mutateEntry(random, { name, data }) {
  try {
    return mutateWhole(random, { name, data });
  } catch {
    return mutateBytes(random, data);
  }
}

function mutateWhole(random, { name, data }) {
  if (name.endsWith(".json")) return mutateJson(random, JSON.parse(data.toString()));
  if (name.endsWith(".npy")) return mutateNpy(random, data);
  return mutateBytes(random, data, { others: pictureBytes });
}

/** `.npy`: its header's text, or any bytes. */
function mutateNpy(random, bytes) {
  if (random.chance(40)) return mutateBytes(random, bytes);
  const end = 10 + bytes.readUInt16LE(8);
  let text = bytes.toString("latin1", 10, end);
  const swap = (pattern, choices) => {
    text = text.replace(pattern, random.pick(choices));
  };
  if (random.chance(40))
    swap(/'descr': '[^']*'/, [
      "'descr': '<f8'",
      "'descr': '>f4'",
      "'descr': '|O'",
      "'descr': '<U8'",
      "'descr': [('a', '<f4')]",
      "'descr': '|S99999999999'",
      "'descr': '|b1'",
      "'descr': 'constructor'",
    ]); // prettier-ignore
  if (random.chance(50))
    swap(/\(([0-9, ]*)\)/, [
      "(0,)",
      "()",
      "(0, 3)",
      "(99999999999999,)",
      "(-1, 3)",
      "(4294967296, 4294967296)",
      "(1, 1, 1, 1, 1, 1)",
      "(6, 2, 0, 3)",
      "(0, 2, 2, 3)",
      "(2, 99999999, 0, 3)",
      "(3 3)",
      "(,)",
      `(${"1, ".repeat(3000)})`,
      "(6, 8, 8, 3)",
      "(96, 3)",
    ]); // prettier-ignore
  if (random.chance(15)) swap(/False/, ["True", "false", "0"]);
  const head = Buffer.from(bytes.subarray(0, 10));
  if (random.chance(80)) head.writeUInt16LE(text.length & 0xffff, 8);
  if (random.chance(10)) head[6] = random.below(5);
  const data = bytes.subarray(end);
  return Buffer.concat([
    head,
    Buffer.from(text, "latin1"),
    random.chance(60) ? data : data.subarray(0, random.below(data.length + 1)),
  ]);
}

const zips = ["edm.zip", "edm-rows.zip", "edm-unlabelled.zip"].map((name) => unzip(fixture(`data/${name}`)));
const npzs = ["grey-unit.npz", "nchw-float.npz", "nhwc.npz", "points.npz", "six.npz", "fortran.npz"].map(
  (name) => unzip(fixture(`data/${name}`)),
); // prettier-ignore
const tars = ["cifar-10-binary.tar.gz", "pets.tar.gz"].map((name) => untar(fixture(`data/${name}`)));
const npys = [fixture("data/half.npy"), ...npzs.flat().map(({ data }) => data)];
const idxImages = fixture("data/idx/t10k-images-idx3-ubyte");
const idxLabels = fixture("data/idx/t10k-labels-idx1-ubyte");
const cifar = tars[0].filter(({ name }) => name.endsWith(".bin")).map(({ data }) => data);

function mutateIdx(random, bytes) {
  let changed = bytes;
  if (random.chance(60)) {
    changed = Buffer.from(bytes);
    const dimensions = changed[3];
    changed.writeUInt32BE(
      random.pick([0, 1, 2, 8, 28, 784, 65536, 2 ** 31, 2 ** 32 - 1]),
      4 + 4 * random.below(dimensions),
    );
    if (random.chance(10)) changed[random.below(4)] = random.below(20);
  }
  if (random.chance(60)) changed = mutateBytes(random, changed);
  if (!random.chance(25)) return changed;
  const packed = random.chance(10)
    ? gzipSync(Buffer.concat([changed, Buffer.alloc(2 ** 22)]), { level: 1 })
    : gzipSync(changed);
  return random.chance(50) ? mutateBytes(random, packed) : packed;
}

const parquets = ["plain", "hub/data/train-00000-of-00002", "hub/data/train-00001-of-00002"].map((name) =>
  fixture(`data/brought/${name}.parquet`),
);
const cifarPython = fixture("data/brought/cifar-10-batches-py/data_batch_1");
const cifarMeta = fixture("data/brought/cifar-10-batches-py/batches.meta");
const metadata = {
  "metadata.csv": 'file_name,label,text,id\na.png,1,"a, b",1\nb.png,0,c,2\n',
  "metadata.jsonl":
    '{"file_name":"a.png","label":"x","text":["a"]}\n{"file_name":"b.png","label":"y","text":"b"}\n',
  "a.json": '{"label": 3, "caption": "x", "size": [1, 2]}',
  "a.cls": "12",
};

const edmLabels = JSON.parse(zips[0].find(({ name }) => name === "dataset.json").data);
const rowLabels = JSON.parse(zips[1].find(({ name }) => name === "dataset.json").data);

const kinds = {
  idx: {
    named: "-ubyte",
    make: (random) => {
      const labelsToo = random.chance(30);
      return {
        "t10k-images-idx3-ubyte": labelsToo && random.chance(50) ? idxImages : mutateIdx(random, idxImages),
        "t10k-labels-idx1-ubyte": labelsToo ? mutateIdx(random, idxLabels) : idxLabels,
      };
    },
    run: (place) => openAndRead(`${place}/t10k-images-idx3-ubyte`, { resolution: 16 }),
  },
  cifar: {
    named: "data_batch_1.bin",
    make: (random) => ({
      "data_batch_1.bin": random.chance(30)
        ? gzipSync(mutateBytes(random, random.pick(cifar)))
        : mutateBytes(random, random.pick(cifar)),
    }), // prettier-ignore
    run: (place) => openAndRead(`${place}/data_batch_1.bin`),
  },
  zip: {
    named: "images.zip",
    make: (random) => ({
      "images.zip": random.chance(15)
        ? mutateBytes(random, fixture("data/edm.zip"))
        : mutateZip(random, random.pick(zips), mutateEntry),
    }), // prettier-ignore
    run: (place) => openAndRead(`${place}/images.zip`, { resolution: 8 }),
  },
  tar: {
    named: "images.tar",
    make: (random) => ({ "images.tar": mutateTar(random, random.pick(tars), mutateEntry) }),
    run: (place) => openAndRead(`${place}/images.tar`, { resolution: 8 }),
  },
  npz: {
    named: "arrays.npz",
    make: (random) => ({ "arrays.npz": mutateZip(random, random.pick(npzs), mutateEntry) }),
    run: (place) => openAndRead(`${place}/arrays.npz`),
  },
  npy: {
    named: "array.npy",
    make: (random) => ({ "array.npy": mutateNpy(random, random.pick(npys)) }),
    run: (place) => openAndRead(`${place}/array.npy`),
  },
  "dataset-json": {
    named: "dataset.json",
    make: (random) => ({ "dataset.json": mutateJson(random, random.pick([edmLabels, rowLabels])) }),
    run: (place) => {
      const file = `${place}/dataset.json`;
      const labels = parseDatasetJson(readFileSync(file, "utf8"), file);
      if (labels?.size) Labels.fromValues([...labels.values()], file).oneHot([0]);
    },
  },
  images: {
    named: "image.png",
    make: (random) => ({
      "image.png": mutateBytes(random, random.pick(pictureBytes), { others: pictureBytes }),
    }),
    run: (place) => openAndRead(place, { resolution: 8, channels: 3 }),
  },
};

Object.assign(kinds, {
  "own-images": {
    named: "image.png",
    make: (random) => ({ "image.png": mutateBytes(random, random.pick(ownBytes), { others: ownBytes }) }),
    run: (place) => openAndRead(place, { resolution: 8, channels: 3 }),
  },
  parquet: {
    named: ".parquet",
    make: (random) => ({ "x.parquet": mutateBytes(random, random.pick(parquets), { others: parquets }) }),
    run: (place) => openAndRead(`${place}/x.parquet`, { resolution: 8, channels: 3 }),
    // The thread that reads it is abandoned after 20 s.
    milliseconds: 40_000,
    slack: 2 ** 29,
  },
  "cifar-python": {
    named: "input",
    make: (random) => ({
      data_batch_1: random.chance(80) ? mutateBytes(random, cifarPython) : cifarPython,
      "batches.meta": mutateBytes(random, cifarMeta),
    }),
    run: (place) => openAndRead(place),
  },
  metadata: {
    named: "input",
    make: (random) => {
      const name = random.pick(["metadata.csv", "metadata.jsonl", "a.json", "a.cls"]);
      return {
        "a.png": pictureBytes[2],
        "b.png": pictureBytes[2],
        "a.txt": mutateBytes(random, Buffer.from("a caption")),
        [name]: mutateBytes(random, Buffer.from(metadata[name])),
      };
    },
    run: (place) => openAndRead(place),
  },
});

export const open = (name, folder) => fileTarget(folder, kinds[name]);
