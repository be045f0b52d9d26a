import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { noGrad } from "../autograd.js";
import { CheckpointError } from "../errors.js";
import { scope } from "../scope.js";
import type { Tensor } from "../tensor.js";
import { type Format, formatByDType } from "./dtypes.js";

/** Data is written in pieces, so that a large tensor needs no second copy in memory. */
const pieceBytes = 32 * 2 ** 20;

interface Item {
  name: string;
  tensor: Tensor;
  format: Format;
}

/**
 * Writes tensors as safetensors, atomically: a temporary file beside `path` takes its place once it is on disk.
 * An existing file survives any failure. The layout is the reference implementation's: by dtype, then by name.
 * @throws CheckpointError naming the file if it cannot be written or the format does not support a dtype
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor> | Record<string, Tensor>,
  metadata: Record<string, string> = {},
): void {
  const items = layOut(tensors instanceof Map ? tensors : new Map(Object.entries(tensors)), path);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFile(temporary, items, metadata);
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw explain(error, path);
  }
}

function layOut(tensors: ReadonlyMap<string, Tensor>, path: string): Item[] {
  const items: Item[] = [];
  for (const [name, tensor] of tensors) {
    const format = formatByDType(tensor.dtype);
    if (!format) throw new CheckpointError(`${path}: tensor "${name}": ${tensor.dtype} cannot be written`);
    if (name === "__metadata__") throw new CheckpointError(`${path}: a tensor cannot be named "${name}"`);
    items.push({ name, tensor, format });
  }
  return items.sort((a, b) => a.format.rank - b.format.rank || (a.name < b.name ? -1 : 1));
}

function writeFile(path: string, items: Item[], metadata: Record<string, string>): void {
  const descriptor = openSync(path, "w");
  try {
    writeAll(descriptor, encodeHeader(items, metadata));
    for (const { tensor, format } of items) writeTensor(descriptor, tensor, format);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function encodeHeader(items: Item[], metadata: Record<string, string>): Buffer {
  const fields: [string, unknown][] = Object.keys(metadata).length > 0 ? [["__metadata__", metadata]] : [];
  let position = 0;
  for (const { name, tensor, format } of items) {
    const end = position + tensor.numel * format.bytes;
    fields.push([name, { dtype: format.name, shape: tensor.shape, data_offsets: [position, end] }]);
    position = end;
  }
  const json = Buffer.from(encodeObject(fields));
  // Spaces up to a multiple of 8 align the data for every dtype.
  const padded = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ");
  padded.writeBigUInt64LE(BigInt(padded.length - 8));
  json.copy(padded, 8);
  return padded;
}

/** Not JSON.stringify of an object, which would put number-like names first. */
function encodeObject(fields: [string, unknown][]): string {
  return `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`;
}

function writeTensor(descriptor: number, tensor: Tensor, format: Format): void {
  const step = pieceBytes / format.bytes;
  noGrad(() =>
    scope(() => {
      const flat = tensor.detach().reshape([-1]);
      for (let start = 0; start < tensor.numel; start += step) {
        scope(() =>
          writeAll(descriptor, flat.narrow(0, start, Math.min(step, tensor.numel - start)).bytes()),
        );
      }
    }),
  );
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(descriptor, bytes, written);
}

/** Makes the rename durable; not every system can synchronize a folder. */
function syncFolder(path: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function explain(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined || error instanceof CheckpointError) return error;
  if (code === "ENOSPC") return new CheckpointError(`${path}: no space left on the disk`);
  return new CheckpointError(`${path}: ${(error as Error).message}`);
}
