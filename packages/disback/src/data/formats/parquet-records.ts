import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { DisbackError } from "../../errors.js";

const urlOf = (name: string): string => pathToFileURL(createRequire(import.meta.url).resolve(name)).href;

/** A script rather than a file of its own, so that it also runs from sources that are not built. */
const script = `
const { parentPort, workerData: { reader, codecs, file, columns } } = require("node:worker_threads");
Promise.all([import(reader), import(codecs)])
  .then(([{ parquetReadObjects }, { compressors }]) => parquetReadObjects({ file, columns, compressors, utf8: false }))
  .then((records) => parentPort.postMessage(records));
`;

/** Milliseconds allowed per file: far more than a good one needs on a busy machine. */
const patience = (bytes: number): number => 20_000 + bytes / 5000;

/**
 * The rows of a Parquet file, by column. They are read in a separate thread, because the reader trusts its file:
 * damaged bytes may make it run for ever, fill its memory, or fail outside the promise. Here all of these become an
 * error.
 * @param file is transferred, and empty afterwards
 * @throws DisbackError naming the file
 */
export function readParquetRecords(
  file: ArrayBuffer,
  columns: readonly string[],
  path: string,
): Promise<Record<string, unknown>[]> {
  const bytes = file.byteLength;
  return new Promise((resolve, reject) => {
    const worker = new Worker(script, {
      eval: true,
      workerData: { reader: urlOf("hyparquet"), codecs: urlOf("hyparquet-compressors"), file, columns },
      transferList: [file],
      resourceLimits: { maxOldGenerationSizeMb: 256 + Math.ceil((8 * bytes) / 2 ** 20) },
      stderr: true,
    });
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      void worker.terminate();
      settle();
    };
    const fail = (reason: string): void => end(() => reject(damaged(path, reason)));
    const timer = setTimeout(() => fail("reading it does not end"), patience(bytes));
    worker.once("message", (records) => end(() => resolve(records as Record<string, unknown>[])));
    worker.once("error", (error) => fail((error as Error).message));
    worker.once("exit", () => fail("reading it ended early"));
  });
}

/** The error for an unreadable file. Only the reader's own messages are useful. */
export function damaged(path: string, reason: string): DisbackError {
  const known = /^(parquet|reading it)/.test(reason) ? ` (${reason.split("\n")[0]})` : "";
  return new DisbackError(`${path} is a damaged Parquet file, or cut short${known}`);
}
