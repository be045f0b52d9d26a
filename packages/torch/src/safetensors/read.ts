import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { CheckpointError } from "../errors.js";
import { ops } from "../ops.js";
import { scope } from "../scope.js";
import type { Tensor } from "../tensor.js";
import { type Entry, type Header, longestHeader, parseHeader } from "./header.js";

export interface SafetensorsFile {
  tensors: Map<string, Tensor>;
  metadata: Record<string, string>;
}

/**
 * Opens a safetensors file. The tensors are views of the memory-mapped file: data are read on use, and writing to them
 * changes only memory, never the file. @throws CheckpointError naming the file, and the tensor if one tensor is wrong
 */
export function readSafetensors(path: string): SafetensorsFile {
  const { header, start, bytes } = readHeader(path);
  const tensors = scope(() => {
    const file = ops.from_file(path, false, bytes, "uint8");
    return header.entries.map((entry) => view(file, start, entry));
  });
  return {
    tensors: new Map(header.entries.map((entry, index) => [entry.name, tensors[index]!])),
    metadata: header.metadata,
  };
}

/**
 * For tensors that are needed now and then: each call maps its tensor anew, so that its memory is given back when the
 * tensor is released. @returns a function for each tensor, by name @throws CheckpointError as `readSafetensors`
 */
export function safetensorsOnDemand(path: string): Map<string, () => Tensor> {
  const { header, start, bytes } = readHeader(path);
  const mapped = (entry: Entry) => () =>
    scope(() => view(ops.from_file(path, false, bytes, "uint8"), start, entry));
  return new Map(header.entries.map((entry) => [entry.name, mapped(entry)]));
}

/** The header of a safetensors file, without its data. */
export function readSafetensorsHeader(path: string): Header {
  return readHeader(path).header;
}

function view(file: Tensor, start: number, { format, shape, begin, end }: Entry): Tensor {
  const slice = file.narrow(0, start + begin, end - begin);
  // libtorch refuses unaligned data; our own files are always aligned.
  const aligned = (start + begin) % format.bytes === 0 ? slice : slice.clone();
  return ops.view_dtype(aligned, format.dtype).reshape(shape);
}

function readHeader(path: string): { header: Header; start: number; bytes: number } {
  const descriptor = open(path);
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new CheckpointError(`${path}: not a file`);
    const bytes = status.size;
    if (bytes < 8) throw new CheckpointError(`${path}: too short for a safetensors file (${bytes} bytes)`);
    const length = Number(read(descriptor, 0, 8, path).readBigUInt64LE());
    if (length > longestHeader || length > bytes - 8) {
      throw new CheckpointError(
        `${path}: the header's length ${length} does not fit; not a safetensors file, or damaged`,
      );
    }
    const start = 8 + length;
    const json = new TextDecoder().decode(read(descriptor, 8, length, path));
    return { header: parseHeader(json, bytes - start, path), start, bytes };
  } finally {
    closeSync(descriptor);
  }
}

function open(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new CheckpointError(missing ? `${path}: no such file` : `${path}: ${(error as Error).message}`);
  }
}

function read(descriptor: number, position: number, length: number, path: string): Buffer {
  const buffer = Buffer.alloc(length);
  if (readSync(descriptor, buffer, 0, length, position) !== length) {
    throw new CheckpointError(`${path}: ended while its header was read`);
  }
  return buffer;
}
