import { DisbackError } from "../../errors.js";
import type { ResolvedOptions } from "../options.js";
import { splitOf } from "./splits.js";

const sampleNames = ["images", "samples", "arr_0", "x", "data", "image", "imgs"];
const labelNames = ["labels", "arr_1", "y", "label", "targets", "target", "classes"];

/** An array's name without its split, and the split: `x_train` is `x` of "train", `train_images` is `images`. */
function partsOf(name: string): { base: string; split: string | undefined } {
  const words = name.toLowerCase().split("_");
  const place = words.findIndex(splitOf);
  if (place < 0) return { base: name.toLowerCase(), split: undefined };
  return { base: words.filter((_, index) => index !== place).join("_"), split: splitOf(words[place]!) };
}

/** The arrays of an `.npz` that are read. */
export interface ChosenArrays {
  samples: string;
  labels: string | undefined;
}

/**
 * Finds samples and labels among the arrays of an `.npz` by their usual names, those of one split if their names tell
 * splits. The others are counted.
 * @throws DisbackError if no array has a name of samples, or the requested split is missing
 */
export function chooseArrays(
  names: readonly string[],
  path: string,
  { split, labels, findings }: Pick<ResolvedOptions, "split" | "labels" | "findings">,
): ChosenArrays {
  const arrays = names.map((name) => ({ name, ...partsOf(name) }));
  const splits = [...new Set(arrays.filter(isSample).map((array) => array.split))];
  if (splits.length === 0) throw new DisbackError(noSamples(names, path));
  const wanted = split
    ? (splitOf(split) ?? split)
    : splits.includes(undefined)
      ? undefined
      : defaultSplit(splits);
  if (split && !splits.includes(wanted)) {
    const found = splits.filter((name) => name !== undefined).join(", ");
    throw new DisbackError(
      `${path} has no split "${split}"${found ? ` (found: ${found})` : ": the names of its arrays state no split"}`,
    );
  }
  const find = (bases: readonly string[]): string | undefined =>
    bases
      .map((base) => arrays.find((array) => array.base === base && array.split === wanted)?.name)
      .find((name) => name !== undefined);
  const chosen = { samples: find(sampleNames)!, labels: find(labelNames) };
  for (const { name, ...array } of arrays) {
    if (name === chosen.samples || name === chosen.labels) continue;
    findings.leaveOut(
      array.split && array.split !== wanted ? `array of the split "${array.split}"` : "array",
      name,
    );
  }
  if (labels && !chosen.labels && arrays.length > 1)
    findings.note(`no labels: no array has a usual name (${labelNames.join(", ")})`);
  return chosen;
}

const isSample = ({ base }: { base: string }): boolean => sampleNames.includes(base);
const defaultSplit = (splits: readonly (string | undefined)[]): string | undefined =>
  splits.includes("train") ? "train" : splits[0];

function noSamples(names: readonly string[], path: string): string {
  if (names.includes("mu") && names.includes("sigma"))
    return `${path} holds reference statistics (mu, sigma), no samples: give it to evaluate --data`;
  return `${path} has no array named ${sampleNames.join(", ")} (found: ${names.join(", ")}): save the images under "images"`;
}
