// The targets by name: each a module that opens it.
const families = {
  operators: ["operators"],
  addon: ["addon"],
  "tensor-api": ["tensor-api"],
  workers: ["workers"],
  tensors: ["safetensors", "model", "reference", "extractor"],
  pickles: ["pickle", "torch-legacy", "torch-zip", "teacher"],
  data: [
    "idx",
    "cifar",
    "zip",
    "tar",
    "npz",
    "npy",
    "dataset-json",
    "images",
    "own-images",
    "parquet",
    "cifar-python",
    "metadata",
  ],
  diffusers: ["diffusers"],
  runs: ["settings", "run", "metrics", "lock", "checkpoint", "trajectory", "compare"],
};

/** Those that open files: they cannot end the process, and may run in one that does other work. */
export const fileTargets = ["tensors", "pickles", "data", "diffusers", "runs"].flatMap(
  (family) => families[family],
);

/** Names in the order in which they run. */
export const targetNames = Object.values(families).flat();

/** @param folder for the target's files */
export async function loadTarget(name, folder) {
  const family = Object.keys(families).find((key) => families[key].includes(name));
  const { open } = await import(`./targets/${family}.mjs`);
  return open(name, folder);
}
