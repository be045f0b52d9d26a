import { fromTypedArray, type Tensor, zeros } from "@disback/torch";
import { parseNpy } from "../data/formats/npy.js";
import { openZip } from "../data/formats/zip.js";
import { DisbackError } from "../errors.js";
import type { FeatureExtractor } from "./feature-extractor.js";
import type { Reference } from "./reference.js";

/** A covariance of 8,192 features: far beyond any reference file, and small enough to hold. */
const largestArray = 512 * 2 ** 20;

/**
 * Reads reference statistics as EDM publishes them: an `.npz` with `mu` `[F]` and `sigma` `[F, F]` of Inception
 * features. Such a file says neither its extractor nor its number of samples (`count` is 0), and holds no features, so
 * only the Frechet distance can be computed against it.
 * @param extractor the extractor that the user says it belongs to
 * @throws DisbackError when an array is missing or its width is not the extractor's
 */
export async function loadEdmReference(file: string, extractor: FeatureExtractor): Promise<Reference> {
  const archive = await openZip(file, largestArray);
  try {
    const read = async (name: string, shape: number[]): Promise<Tensor> => {
      const entry = archive.entries.get(`${name}.npy`);
      if (!entry) throw new DisbackError(`${file}: no array "${name}": not a file of reference statistics`);
      const array = parseNpy(await entry.read(), `${file}:${name}.npy`);
      if (array.shape.join() !== shape.join()) {
        throw new DisbackError(
          `${file}: "${name}" has shape [${array.shape.join(", ")}], extractor ${extractor.name} needs [${shape.join(", ")}]`,
        );
      }
      return fromTypedArray(Float64Array.from(array.data), shape);
    };
    const width = extractor.featureDim;
    return {
      statistics: {
        mean: await read("mu", [width]),
        covariance: await read("sigma", [width, width]),
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
