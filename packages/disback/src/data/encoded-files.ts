import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DisbackError } from "../errors.js";

/**
 * Encoded samples on disk, one file for each, named by the hash of encoder and sample. So a sample is encoded once, work
 * that was stopped goes on where it was, and runs and data sets with the same pictures share it.
 */
export class EncodedFiles {
  /**
   * @param folder shared between runs; made if it is not there
   * @param encoder tells encoders apart: whatever changes their output must change it
   */
  constructor(
    private readonly folder: string,
    private readonly encoder: string,
  ) {}

  /** @param size numbers of an encoded sample @returns undefined if it was not encoded yet @throws DisbackError naming a damaged file */
  read(sample: Float32Array, size: number): Float32Array | undefined {
    const path = this.path(sample);
    if (!existsSync(path)) return undefined;
    const bytes = readFileSync(path);
    if (bytes.length !== size * Float32Array.BYTES_PER_ELEMENT)
      throw new DisbackError(`${path}: damaged; delete it, and it is made again`);
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  }

  /** @throws DisbackError naming the file that cannot be written */
  write(sample: Float32Array, encoded: Float32Array): void {
    const path = this.path(sample);
    try {
      mkdirSync(dirname(path), { recursive: true });
      const temporary = `${path}.${process.pid}.tmp`;
      writeFileSync(temporary, encoded);
      renameSync(temporary, path);
    } catch (error) {
      throw new DisbackError(`${path}: cannot be written: ${(error as Error).message}`);
    }
  }

  private path(sample: Float32Array): string {
    const bytes = new Uint8Array(sample.buffer, sample.byteOffset, sample.byteLength);
    const key = createHash("sha256").update(`${this.encoder}\n`).update(bytes).digest("hex");
    return join(this.folder, key.slice(0, 2), `${key}.f32`);
  }
}
