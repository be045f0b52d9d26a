import { fromTypedArray, type Tensor, zeros } from "@disback/torch";
import { type NpyArray, parseNpy } from "../data/formats/npy.js";
import { openZip } from "../data/formats/zip.js";
import { DisbackError } from "../errors.js";
import type { FeatureExtractor } from "./feature-extractor.js";
import type { Reference } from "./reference.js";

/** A covariance of 8,192 features: far beyond any reference file, and small enough to hold. */
const largestArray = 512 * 2 ** 20;

/** The names of the arrays in an `.npz`. */
export async function arrayNames(file: string): Promise<string[]> {
  const archive = await openZip(file, largestArray);
  archive.close();
  return [...archive.entries.keys()].map((entry) => entry.replace(/\.npy$/, ""));
}

/**
 * Reads reference statistics as EDM, pytorch-fid and clean-fid publish them: an `.npz` with `mu` `[F]` and `sigma` `[F,
 * F]` of Inception features. Such a file states neither its extractor nor its number of samples (`count` is 0), and
 * holds no features, so it only gives the Frechet distance. @param extractor the extractor that the user assigns to it
 * @throws DisbackError when an array is missing, not finite or not of the extractor's width
 */
export async function loadEdmReference(file: string, extractor: FeatureExtractor): Promise<Reference> {
  const archive = await openZip(file, largestArray);
  try {
    const read = async (name: string): Promise<NpyArray> => {
      const entry = archive.entries.get(`${name}.npy`);
      if (!entry) throw new DisbackError(`${file}: no array "${name}": not a file of reference statistics`);
      return parseNpy(await entry.read(), `${file}:${name}.npy`);
    };
    const width = extractor.featureDim;
    const tensor = async (name: string, shape: number[]): Promise<Tensor> => {
      const array = await read(name);
      if (array.shape.join() !== shape.join()) {
        const hint = array.shape[0] === 2048 ? ": it belongs to Inception, give --inception" : "";
        throw new DisbackError(
          `${file}: "${name}" has shape [${array.shape.join(", ")}], extractor ${extractor.name} needs [${shape.join(", ")}]${hint}`,
        );
      }
      if (!array.data.every(Number.isFinite))
        throw new DisbackError(`${file}: "${name}" holds numbers that are not finite`);
      return fromTypedArray(Float64Array.from(array.data), shape);
    };
    return {
      statistics: {
        mean: await tensor("mu", [width]),
        covariance: await tensor("sigma", [width, width]),
        count: 0,
      },
      features: zeros([0, width]),
      extractor: extractor.name,
      extractorHash: extractor.contentHash,
      dataset: file,
      datasetHash: "",
    };
  } finally {
    archive.close();
  }
}
