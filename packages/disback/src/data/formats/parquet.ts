import { readFile } from "node:fs/promises";
import { parquetMetadata, parquetSchema, type SchemaTree } from "hyparquet";
import { DisbackError } from "../../errors.js";
import type { ImageEntry } from "../images/listing.js";
import { openImages } from "../images/open.js";
import { Labels, type LabelValue } from "../labels.js";
import type { ResolvedOptions } from "../options.js";
import type { SampleSource } from "../samples.js";
import { chooseFields, toCaption, toLabelValue } from "./annotations.js";
import { type HubFeatures, hubFeatures } from "./hub-features.js";
import { damaged, readParquetRecords } from "./parquet-records.js";
import { selectShards } from "./shards.js";
import type { SourceFiles } from "./source-files.js";

/** Whether bytes start like a Parquet file. */
export const isParquet = (head: Uint8Array): boolean =>
  Buffer.from(head.subarray(0, 4)).toString("latin1") === "PAR1";

/** What the rows of some files hold, joined. */
interface Rows {
  entries: ImageEntry[];
  labels: LabelValue[];
  captions: string[];
  names: readonly string[] | undefined;
}

/**
 * Opens a folder's Parquet files of images as Hugging Face writes them: a column of `{bytes, path}` (or of bytes), and
 * `label` and `text` or columns of such names. Names of classes are those that the file states.
 */
export async function openParquet(
  folder: SourceFiles,
  all: readonly string[],
  name: string,
  options: ResolvedOptions,
): Promise<SampleSource> {
  const paths = selectShards(folder, all, options).map(folder.nameOf);
  return openParquetFiles(paths, folder.where, name, options);
}

/** Opens Parquet files as one data set. */
export async function openParquetFiles(
  paths: readonly string[],
  where: string,
  name: string,
  options: ResolvedOptions,
): Promise<SampleSource> {
  const rows: Rows = { entries: [], labels: [], captions: [], names: undefined };
  let room = options.limits.totalBytes;
  for (const path of paths) room -= await readRows(path, rows, room, options);
  const { entries, labels, captions, names } = rows;
  if (entries.length === 0) throw new DisbackError(`${paths[0] ?? where} holds no row with an image`);
  for (const list of [labels, captions])
    if (list.length > 0 && list.length !== entries.length)
      throw new DisbackError(`${where}: its files do not have the same columns`);
  const unlabelled = labels.length > 0 && labels.every((label) => label === -1);
  if (unlabelled) options.findings.note("all labels are -1: there are none");
  const listing = {
    name,
    entries,
    labels:
      labels.length > 0 && !unlabelled && options.labels
        ? Labels.fromValues(labels, where, (index) => entries[index]!.name, names)
        : undefined,
    captions: captions.length > 0 ? captions : undefined,
    close: () => {},
  };
  return openImages(listing, options);
}

async function readRows(path: string, rows: Rows, room: number, options: ResolvedOptions): Promise<number> {
  const { findings } = options;
  const file = await readFile(path);
  const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer;
  let taken = 0;
  try {
    const metadata = parquetMetadata(buffer);
    const features = hubFeatures(metadata, path);
    const columns = parquetSchema(metadata).children;
    const image = imageColumn(columns, features, path);
    const fields = chooseFields(columns.map(nameOf).filter((column) => column !== image));
    for (const column of fields.others) findings.leaveOut("column", column);
    const { label, caption } = fields;
    if (label) rows.names ??= features.classNames.get(label);
    const wanted = [image, label, caption].filter((column) => column !== undefined);
    const records = await readParquetRecords(buffer, wanted, path);
    for (const [index, record] of records.entries()) {
      const place = `${path}: row ${index}`;
      const bytes = bytesOf(record[image]);
      if (!bytes) {
        findings.leaveOut("row without an image", place);
        continue;
      }
      taken += bytes.length;
      if (taken > room)
        throw new DisbackError(
          `${path}: its images take more than ${options.limits.totalBytes} bytes: refused`,
        );
      rows.entries.push({ name: place, read: async () => bytes });
      if (label) rows.labels.push(toLabelValue(record[label], place));
      if (caption) rows.captions.push(toCaption(record[caption]));
    }
  } catch (error) {
    if (error instanceof DisbackError) throw error;
    throw damaged(path, (error as Error).message);
  }
  return taken;
}

const nameOf = (column: SchemaTree): string => column.element.name;

/** The column of images: the one that the file declares, else a struct with `bytes`, else bytes under a usual name. */
function imageColumn(columns: readonly SchemaTree[], features: HubFeatures, path: string): string {
  const usual = /^(image|img|picture|png|jpg|jpeg|webp)$/i;
  const found =
    columns.find((column) => features.images.has(nameOf(column))) ??
    columns.find((column) => column.children.some((child) => nameOf(child) === "bytes")) ??
    columns.find((column) => usual.test(nameOf(column)) && column.element.type === "BYTE_ARRAY");
  if (!found)
    throw new DisbackError(
      `${path} has no column of images (found: ${columns.map(nameOf).join(", ")}): it should hold {bytes, path}, as Hugging Face writes it`,
    );
  return nameOf(found);
}

/** The bytes of an image. A path alone is useless, because the file is elsewhere. */
function bytesOf(value: unknown): Uint8Array | undefined {
  const bytes = value instanceof Uint8Array ? value : (value as { bytes?: unknown } | null)?.bytes;
  if (!(bytes instanceof Uint8Array)) return undefined;
  return bytes.length > 0 ? bytes : undefined;
}
