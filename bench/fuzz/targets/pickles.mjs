// Python pickles and PyTorch's checkpoints.
import { readFileSync } from "node:fs";
import { mutateZip, unzip } from "../mutate-archive.mjs";
import { mutateBytes } from "../mutate-bytes.mjs";
import { built, fileTarget, fixture } from "./files.mjs";

const { openCheckpoint } = await built("import/checkpoint/open-checkpoint");
const { findWeights } = await built("import/find-weights");
const { readTeacher } = await built("import/read-teacher");

/** Bytes that mean much to a pickle. */
const telling = Buffer.from(
  "(.0125FIJKLMNPQRSTUVXabcdeghijlopqrstu]){}\x80\x81\x8a\x8b\x8c\x8d\x8e\x93\x94\x95\x96\x97\xff",
  "latin1",
);
const read = (name) => fixture(`import/${name}`);
const pickles = [
  "values-0.pkl",
  "values-2.pkl",
  "values-4.pkl",
  "values-5.pkl",
  "arrays-2.pkl",
  "arrays-4.pkl",
  "arrays-5.pkl",
  "hostile-eval.pkl",
  "hostile-doubling.pkl",
  "hostile-build.pkl",
].map(read); // prettier-ignore
const legacy = ["strided-legacy.pt", "strided-legacy.pt", "strided-legacy.pt", "legacy.pth"].map(read);
const zips = ["strided.pt", "strided.pt", "hostile-no-storage.pt", "hostile-two-pickles.pt", "state.pt"].map(
  (name) => unzip(read(name)),
); // prettier-ignore
const networks = ["vp-ddpmpp.pkl", "edm-ddpmpp.pkl", "ve-ncsnpp.pkl"].map(read);
const state = unzip(read("state.pt"));
const stateConfig = read("state-config.json");

/** Where sizes stand in a network's pickle: behind the names of arguments. */
const placesOf = (bytes) => {
  const text = bytes.toString("latin1");
  const names =
    /img_resolution|model_channels|channel_mult|num_blocks|img_channels|label_dim|dropout|sigma_m|augment_dim|resample_filter|attn_resolutions/g;
  return [...text.matchAll(names)].map(({ index, 0: name }) => index + name.length);
};
const networkPlaces = new Map(networks.map((bytes) => [bytes, placesOf(bytes)]));

function mutateNetwork(random) {
  const original = random.pick(networks);
  if (random.chance(30)) return mutateBytes(random, original, { telling });
  const bytes = Buffer.from(original);
  const places = networkPlaces.get(original);
  for (let change = random.below(3); change >= 0; change--)
    bytes[random.pick(places) + random.below(6)] = random.below(256);
  return bytes;
}

const mutateEntry = (random, { data }) => mutateBytes(random, data, { telling });

/** What an import does before it builds a network, and each tensor's numbers. */
async function openAndFind(path) {
  const checkpoint = await openCheckpoint(path);
  try {
    const { tensors } = findWeights(checkpoint);
    for (const { numbers } of tensors.values()) await numbers.read();
  } finally {
    checkpoint.close();
  }
}

const kinds = {
  pickle: {
    named: "mutated.pkl",
    make: (random) => ({
      "mutated.pkl": mutateBytes(random, random.pick(pickles), { telling, others: pickles }),
    }),
    run: (place) => openAndFind(`${place}/mutated.pkl`),
  },
  "torch-legacy": {
    named: "mutated.pt",
    make: (random) => ({
      "mutated.pt": mutateBytes(random, random.pick(legacy), { telling, others: pickles }),
    }),
    run: (place) => openAndFind(`${place}/mutated.pt`),
  },
  "torch-zip": {
    named: "mutated.pt",
    make: (random) => ({ "mutated.pt": mutateZip(random, random.pick(zips), mutateEntry) }),
    run: (place) => openAndFind(`${place}/mutated.pt`),
  },
  teacher: {
    named: "mutated",
    milliseconds: 5000,
    make: (random) =>
      random.chance(20)
        ? { "mutated.pt": mutateZip(random, state, mutateEntry), "mutated.json": stateConfig }
        : random.chance(20)
          ? { "mutated.pt": read("state.pt"), "mutated.json": mutateBytes(random, stateConfig) }
          : { "mutated.pkl": mutateNetwork(random) },
    run: async (place) => {
      const config = `${place}/mutated.json`;
      const options = isThere(config) ? [`${place}/mutated.pt`, { config }] : [`${place}/mutated.pkl`];
      const { denoiser } = await readTeacher(...options);
      denoiser.dispose();
    },
  },
};

function isThere(path) {
  try {
    return readFileSync(path).length >= 0;
  } catch {
    return false;
  }
}

export const open = (name, folder) => fileTarget(folder, kinds[name]);
