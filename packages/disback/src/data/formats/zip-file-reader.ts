import { close, fstatSync, openSync, read } from "node:fs";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import yauzl from "yauzl";

const readInto = promisify(read);
const pieceBytes = 2 ** 20;

/**
 * Gives yauzl the bytes of a file. Its own reader uses an archive's offsets unchecked: one beyond 2^53 makes Node throw
 * inside a callback, where it cannot be caught.
 */
export class ZipFileReader extends yauzl.RandomAccessReader {
  readonly size: number;
  private readonly descriptor: number;

  /** @throws the system's error if the file cannot be opened */
  constructor(path: string) {
    super();
    this.descriptor = openSync(path, "r");
    this.size = fstatSync(this.descriptor).size;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    if (!this.holds(start, end - start)) {
      return new Readable({ read: (): void => {} }).destroy(new Error("an entry lies outside of the file"));
    }
    return Readable.from(this.pieces(start, end), { objectMode: false });
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    if (!this.holds(position, length)) {
      setImmediate(callback, new Error("it refers to bytes outside of the file"));
      return;
    }
    read(this.descriptor, buffer, offset, length, position, callback);
  }

  override close(callback: (error: Error | null) => void): void {
    close(this.descriptor, callback);
  }

  /** A stream of Node's own would close the file when it is destroyed. */
  private async *pieces(start: number, end: number): AsyncGenerator<Buffer> {
    for (let position = start; position < end; ) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(pieceBytes, end - position));
      const { bytesRead } = await readInto(this.descriptor, buffer, 0, buffer.length, position);
      if (bytesRead === 0) throw new Error("the file ended while it was read");
      yield buffer.subarray(0, bytesRead);
      position += bytesRead;
    }
  }

  private holds(start: number, length: number): boolean {
    return start >= 0 && length >= 0 && start + length <= this.size;
  }
}
