import { stat } from "node:fs/promises";
import { DisbackError } from "../../errors.js";
import { startsLikeImage, whatElse } from "../images/kinds.js";
import { isGzip, readHead, readUnpackedHead } from "./bytes.js";
import { isCifarName } from "./cifar.js";
import { isIdx } from "./idx.js";
import { isNpy } from "./npy.js";
import { isParquet } from "./parquet.js";
import { isTar } from "./tar.js";
import { isText } from "./text.js";
import { otherFormat } from "./unread.js";

/** The format of a dataset's source, by its contents (only CIFAR's bare batches are recognised by name). */
export type DatasetFormat = "folder" | "zip" | "idx" | "tar" | "npy" | "cifar" | "parquet" | "text" | "toy";

const known =
  "a folder, zip or tar of images, text (.txt), IDX, CIFAR's batches, .npz, .npy or .parquet, or toy:ring and the like";

const isZip = (head: Uint8Array): boolean =>
  head[0] === 0x50 && head[1] === 0x4b && (head[2] === 3 || head[2] === 5);

/**
 * Detects the format of a source. @throws DisbackError if it does not exist, is empty, unreadable or unknown
 */
export async function detectFormat(source: string): Promise<DatasetFormat> {
  if (source.startsWith("toy:")) return "toy";
  const found = await stat(source).catch((error: NodeJS.ErrnoException) => {
    const reason =
      error.code === "ENOENT" || error.code === "ENOTDIR"
        ? "does not exist"
        : `cannot be read (${error.code})`;
    throw new DisbackError(`dataset ${source} ${reason}: give ${known}`);
  });
  if (found.isDirectory()) return isText(source) ? "text" : "folder";
  if (!found.isFile()) throw new DisbackError(`dataset ${source} is neither a file nor a folder`);
  if (found.size === 0) throw new DisbackError(`dataset ${source} is empty`);
  const stored = await readHead(source, 4);
  const head = isGzip(stored) ? await readUnpackedHead(source, 512) : await readHead(source, 512);
  if (isZip(head)) return "zip";
  if (isTar(head)) return "tar";
  if (isNpy(head)) return "npy";
  if (isParquet(head)) return "parquet";
  if (isCifarName(source.replace(/\.gz$/, ""))) return "cifar";
  if (isIdx(head)) return "idx";
  if (isText(source)) return "text";
  const what = whatElse(head) ?? otherFormat(source);
  if (startsLikeImage(head)) throw new DisbackError(`dataset ${source} is a single image: give its folder`);
  throw new DisbackError(`dataset ${source} has an unknown format: ${what ?? `give ${known}`}`);
}
