import { constants } from "node:buffer";
import { open, stat } from "node:fs/promises";
import { readHead } from "../../data/formats/bytes.js";
import { DisbackError } from "../../errors.js";
import { refuseForeignFile } from "../../foreign-file.js";
import { edmGlobals } from "../edm/persistent-object.js";
import { Limits } from "../pickle/limits.js";
import { numpyGlobals } from "../pickle/numpy-globals.js";
import { pythonGlobals } from "../pickle/python-globals.js";
import { readPickle } from "../pickle/read-pickle.js";
import type { GlobalTable, PickleValue } from "../pickle/values.js";
import { isLegacy, readLegacy } from "./legacy.js";
import { torchGlobals } from "./torch-globals.js";
import { openTorchZip } from "./torch-zip.js";

/** A file of pickled weights, read without running anything in it. */
export interface Checkpoint {
  path: string;
  /** kind of file: "PyTorch checkpoint (zip)" */
  format: string;
  /** size of the file */
  bytes: number;
  value: PickleValue;
  /** Closes the storages. */
  close(): void;
}

/** All functions and classes that a checkpoint may name. */
export const checkpointGlobals: GlobalTable = (name) =>
  pythonGlobals(name) ?? torchGlobals(name) ?? numpyGlobals(name) ?? edmGlobals(name);

/**
 * Opens a `.pkl`, `.pt`, `.pth`, `.ckpt` or `.bin` file: a plain pickle, or PyTorch's newer or older format. The first
 * bytes tell which.
 * @throws DisbackError naming the file, the place in it and what is wrong or refused
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new DisbackError(`${path}: ${error.code === "ENOENT" ? "no such file" : error.message}`);
  });
  if (!found.isFile()) throw new DisbackError(`${path}: not a file`);
  refuseForeignFile(path);
  const head = await readHead(path, 2);
  if (head[0] === 0x50 && head[1] === 0x4b) {
    const zip = await openTorchZip(path, checkpointGlobals);
    return { path, format: "PyTorch checkpoint (zip)", bytes: found.size, ...zip };
  }
  const bytes = await readWhole(path, found.size);
  const { format, value } = parsePickled(bytes, path);
  return { path, format, bytes: found.size, value, close() {} };
}

/**
 * Parses a plain pickle or PyTorch's older format.
 * @param name for messages
 */
export function parsePickled(bytes: Uint8Array, name: string): { format: string; value: PickleValue } {
  const options = { name, globals: checkpointGlobals, limits: new Limits(bytes.length) };
  if (isLegacy(bytes))
    return { format: "PyTorch checkpoint (older format)", value: readLegacy(bytes, options) };
  const { value, end } = readPickle(bytes, options);
  if (end !== bytes.length) {
    throw new DisbackError(
      `${name}: ${bytes.length - end} bytes follow the end of the pickle: damaged, or something else`,
    );
  }
  return { format: "pickle", value };
}

/** In pieces, because Node reads at most 2 GiB at once. */
async function readWhole(path: string, size: number): Promise<Uint8Array> {
  if (size > constants.MAX_LENGTH) {
    throw new DisbackError(
      `${path}: ${size} bytes are more than this reader takes (${constants.MAX_LENGTH})`,
    );
  }
  const bytes = Buffer.allocUnsafeSlow(size);
  const file = await open(path);
  try {
    for (let position = 0; position < size; ) {
      const { bytesRead } = await file.read(bytes, position, Math.min(size - position, 2 ** 28), position);
      if (bytesRead === 0) throw new DisbackError(`${path}: ended while it was read`);
      position += bytesRead;
    }
  } finally {
    await file.close();
  }
  return bytes;
}
