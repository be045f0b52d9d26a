import { closeSync, openSync, writeSync } from "node:fs";

/** Writes a file from its parts, which together may be larger than one buffer can be. @returns its bytes */
export function writeParts(path: string, parts: readonly Uint8Array[]): number {
  const file = openSync(path, "w");
  let size = 0;
  try {
    for (const part of parts) {
      for (let done = 0; done < part.byteLength; ) done += writeSync(file, part, done);
      size += part.byteLength;
    }
  } finally {
    closeSync(file);
  }
  return size;
}
