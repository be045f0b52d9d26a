import yauzl from "yauzl";
import { DisbackError } from "../../errors.js";
import type { ArchiveLimits } from "../options.js";
import { collect } from "./bytes.js";
import { crc32 } from "./crc32.js";
import { ZipFileReader } from "./zip-file-reader.js";

/** An open zip file; its entries are read when asked for. */
export interface ZipArchive {
  /** by name, in the archive's order; folders left out */
  entries: Map<string, ZipEntry>;
  close(): void;
}

/** A file inside a zip. */
export interface ZipEntry {
  /** bytes when unpacked, as the archive states them (and as is checked when reading) */
  size: number;
  /** @throws DisbackError if it is damaged: its length and checksum are compared with the archive's */
  read(): Promise<Uint8Array>;
}

const complain = (path: string, error: unknown): DisbackError =>
  new DisbackError(
    `${path} is a damaged or unsafe zip file (${(error as Error).message.replace(/\.$/, "")})`,
  );

function open(path: string): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    let reader: ZipFileReader;
    try {
      reader = new ZipFileReader(path);
    } catch (error) {
      throw complain(path, error);
    }
    const options = { lazyEntries: true, autoClose: false };
    yauzl.fromRandomAccessReader(reader, reader.size, options, (error, zip) => {
      if (!error) return resolve(zip);
      reader.close(() => {});
      reject(complain(path, error));
    });
  });
}

function listEntries(zip: yauzl.ZipFile, path: string): Promise<yauzl.Entry[]> {
  return new Promise((resolve, reject) => {
    const entries: yauzl.Entry[] = [];
    zip.on("entry", (entry: yauzl.Entry) => {
      if (!entry.fileName.endsWith("/")) entries.push(entry);
      zip.readEntry();
    });
    zip.on("end", () => resolve(entries));
    // yauzl refuses names that are absolute or climb out with "..".
    zip.on("error", (error) => reject(complain(path, error)));
    zip.readEntry();
  });
}

async function readEntry(
  zip: yauzl.ZipFile,
  entry: yauzl.Entry,
  name: string,
  maximum: number,
): Promise<Uint8Array> {
  if (entry.uncompressedSize > maximum)
    throw new DisbackError(
      `${name} unpacks to ${entry.uncompressedSize} bytes, more than ${maximum}: refused`,
    );
  if (entry.isEncrypted()) throw new DisbackError(`${name} is encrypted: unpack it first`);
  const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    zip.openReadStream(entry, (error, opened) => (error ? reject(complain(name, error)) : resolve(opened)));
  });
  const bytes = await collect(stream, name, maximum);
  if (crc32(bytes) !== entry.crc32) throw new DisbackError(`${name} is damaged: its checksum is wrong`);
  return bytes;
}

/**
 * Opens a zip file and lists it. Nothing is written to disk.
 * @param entryBytes the largest entry that will be unpacked
 * @throws DisbackError if it is damaged, or a name in it is absolute or climbs out of the archive
 */
export async function openZip(path: string, entryBytes: ArchiveLimits["entryBytes"]): Promise<ZipArchive> {
  const zip = await open(path);
  try {
    const entries = new Map<string, ZipEntry>();
    for (const entry of await listEntries(zip, path)) {
      const read = (): Promise<Uint8Array> => readEntry(zip, entry, `${path}:${entry.fileName}`, entryBytes);
      entries.set(entry.fileName, { size: entry.uncompressedSize, read });
    }
    return { entries, close: () => zip.close() };
  } catch (error) {
    zip.close();
    throw error;
  }
}
