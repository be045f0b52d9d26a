import { constants } from "node:buffer";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { DisbackError } from "../../errors.js";

/** Whether bytes start like a gzip file. */
export const isGzip = (head: Uint8Array): boolean => head[0] === 0x1f && head[1] === 0x8b;

/** The first bytes of a file, as they are stored. */
export async function readHead(path: string, length: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** A file's contents as a stream, unpacked if it is gzipped. A damaged file gives an error of the stream. */
export async function unpackedStream(path: string): Promise<Readable> {
  const stored = createReadStream(path);
  if (!isGzip(await readHead(path, 2))) return stored;
  const unpacked = createGunzip();
  stored.on("error", (error) => unpacked.destroy(error));
  unpacked.on("close", () => stored.destroy());
  return stored.pipe(unpacked);
}

/** Up to `length` bytes from the start of a file, unpacked if it is gzipped. */
export async function readUnpackedHead(path: string, length: number): Promise<Uint8Array> {
  const stream = await unpackedStream(path);
  const parts: Uint8Array[] = [];
  let total = 0;
  try {
    for await (const part of stream as AsyncIterable<Uint8Array>) {
      parts.push(part);
      total += part.length;
      if (total >= length) break;
    }
  } catch (error) {
    if (total === 0) throw new DisbackError(`${path} is damaged (${(error as Error).message})`);
  } finally {
    stream.destroy();
  }
  return Buffer.concat(parts).subarray(0, length);
}

/**
 * A whole file, unpacked if it is gzipped.
 * @param maximum more bytes than this are refused before they are unpacked
 * @throws DisbackError naming the file if it is damaged or too large
 */
export async function readUnpacked(path: string, maximum: number): Promise<Uint8Array> {
  return collect(await unpackedStream(path), path, maximum);
}

/** A stream of bytes, of Node's or of tar-stream's kind. */
export type ByteStream = AsyncIterable<unknown> & { destroy?(): unknown };

/**
 * The bytes of a stream, joined.
 * @param name the file, for errors
 * @throws DisbackError if it is damaged or yields more than `maximum` bytes
 */
export async function collect(stream: ByteStream, name: string, maximum: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const limit = Math.min(maximum, constants.MAX_LENGTH);
  let total = 0;
  try {
    for await (const part of stream as AsyncIterable<Uint8Array>) {
      total += part.length;
      if (total > limit) throw new DisbackError(`${name} holds more than ${limit} bytes: refused`);
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof DisbackError) throw error;
    throw new DisbackError(`${name} is damaged or cut short (${(error as Error).message})`);
  } finally {
    stream.destroy?.();
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** Whether a path is an existing file. */
export async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}
