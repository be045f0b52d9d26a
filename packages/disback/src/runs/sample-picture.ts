import type { Tensor } from "@disback/torch";
import { writeGrid } from "../data/output/grid.js";
import { writeScatter } from "../data/output/scatter.js";
import { DisbackError } from "../errors.js";

/**
 * Writes samples as one PNG: a grid of images, or a scatter plot of points in the plane.
 *
 * @param samples `[N, C, H, W]` in [-1, 1] or `[N, 2]`
 * @throws DisbackError for samples that are neither
 */
export async function writeSamplePicture(
  path: string,
  samples: Tensor,
  options: { columns?: number | undefined; reference?: Tensor } = {},
): Promise<void> {
  const { columns, reference } = options;
  if (samples.ndim === 4) return writeGrid(path, samples, columns === undefined ? {} : { columns });
  if (samples.ndim === 2 && samples.shape[1] === 2)
    return writeScatter(path, samples, reference ? { reference } : {});
  throw new DisbackError(
    `${path}: samples of shape [${samples.shape.join(", ")}] cannot be drawn; write an .npz`,
  );
}
