import { statSync } from "node:fs";
import { openZip, type ZipArchive } from "../../data/formats/zip.js";
import { DisbackError } from "../../errors.js";
import { readPickle } from "../pickle/read-pickle.js";
import { shown } from "../pickle/text-values.js";
import type { GlobalTable, PickleValue } from "../pickle/values.js";
import { storageReference } from "./storage-reference.js";
import { StoredNumbers } from "./stored-tensor.js";

/** PyTorch stores without compression. A repacked file may be compressed a little; a zip bomb far more. */
const largestExpansion = 4;

/** A checkpoint in PyTorch's zip format. Its storages are read on demand. */
export interface TorchZip {
  value: PickleValue;
  close(): void;
}

/**
 * Opens a PyTorch checkpoint (since version 1.6): a zip of one folder with `data.pkl`, and `data/KEY` per storage.
 * Nothing is written to disk, and at most a small multiple of the file's size is unpacked.
 * @throws DisbackError naming the file and the entry
 */
export async function openTorchZip(path: string, globals: GlobalTable): Promise<TorchZip> {
  const bytes = statSync(path).size;
  const limit = largestExpansion * bytes + 65_536;
  const archive = await openZip(path, limit).catch((error: Error) => {
    if (!/end of central directory/i.test(error.message)) throw error;
    throw new DisbackError(`${path}: a zip without its end, ${bytes} bytes: cut short, download it again`);
  });
  try {
    let unpacked = 0;
    for (const entry of archive.entries.values()) unpacked += entry.size;
    if (unpacked > limit) {
      throw new DisbackError(`${path}: unpacks to ${unpacked} bytes from ${bytes}: refused`);
    }
    const folder = pickleFolder(path, archive);
    const storages = new Map<string, StoredNumbers>();
    const bigEndian = await isBigEndian(path, archive, folder);
    const name = `${path}:${folder}data.pkl`;
    const { value } = readPickle(await archive.entries.get(`${folder}data.pkl`)!.read(), {
      name,
      globals,
      persistent: (id, fail) => {
        const reference = storageReference(id, fail);
        const key = `${reference.key}\n${reference.format.dtype}\n${reference.length}`;
        let numbers = storages.get(key);
        if (!numbers) {
          numbers = storedIn(archive, `${folder}data/${reference.key}`, reference, fail);
          numbers.bigEndian = bigEndian;
          storages.set(key, numbers);
        }
        return numbers;
      },
    });
    return { value, close: () => archive.close() };
  } catch (error) {
    archive.close();
    throw error;
  }
}

function storedIn(
  archive: ZipArchive,
  entryName: string,
  { format, length, key }: ReturnType<typeof storageReference>,
  fail: (problem: string) => never,
): StoredNumbers {
  const entry = archive.entries.get(entryName);
  if (!entry) return fail(`storage ${shown(key)} is missing in the archive`);
  const size = length * format.bytes;
  if (entry.size !== size) fail(`storage ${shown(key)} takes ${entry.size} bytes instead of ${size}`);
  return new StoredNumbers(format.dtype, format.bytes, length, entry.read);
}

/** The archive's folder, with a slash. */
function pickleFolder(path: string, archive: ZipArchive): string {
  const pickles = [...archive.entries.keys()].filter((name) => /^([^/]+\/)?data\.pkl$/.test(name));
  if (pickles.length !== 1) {
    const isScript = [...archive.entries.keys()].some((name) => /^[^/]+\/code\//.test(name));
    const why = isScript
      ? "a TorchScript file, which is a program, not a checkpoint"
      : `a zip with ${pickles.length || "no"} data.pkl, which is no PyTorch checkpoint${holding(archive)}`;
    throw new DisbackError(`${path}: ${why}`);
  }
  return pickles[0]!.slice(0, -"data.pkl".length);
}

/** What the zip holds instead. */
function holding(archive: ZipArchive): string {
  const names = [...archive.entries.keys()];
  if (names.length === 0) return "";
  const more = names.length > 3 ? ", …" : "";
  return ` (it holds ${names.slice(0, 3).map(shown).join(", ")}${more}): unpack it, and give what is inside`;
}

async function isBigEndian(path: string, archive: ZipArchive, folder: string): Promise<boolean> {
  const entry = archive.entries.get(`${folder}byteorder`);
  if (!entry) return false;
  const order =
    entry.size > 16
      ? ""
      : Buffer.from(await entry.read())
          .toString("latin1")
          .trim();
  if (order !== "little" && order !== "big") throw new DisbackError(`${path}: unknown byte order`);
  return order === "big";
}
