import { CheckpointError } from "../errors.js";
import { type Format, formatByName } from "./dtypes.js";

/** The place of a tensor: bytes `begin` to `end` after the header. */
export interface Entry {
  name: string;
  format: Format;
  shape: number[];
  begin: number;
  end: number;
}

export interface Header {
  entries: Entry[];
  metadata: Record<string, string>;
}

/** The longest header that the format's reference implementation accepts, in bytes. */
export const longestHeader = 100_000_000;
/** As many dimensions as libtorch supports. */
const mostDimensions = 64;

/**
 * Reads and checks a header: tensors of known dtype, whose size follows from dtype and shape, that fill the data
 * without overlap or gap.
 * @param json the header's text
 * @param dataBytes bytes after the header
 * @throws CheckpointError naming `path` and the tensor
 */
export function parseHeader(json: string, dataBytes: number, path: string): Header {
  const fields = parseObject(json, path);
  const metadata = parseMetadata(fields["__metadata__"], path);
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (name !== "__metadata__") entries.push(parseEntry(name, value, path));
  }
  checkLayout(entries, dataBytes, path);
  return { entries, metadata };
}

function parseObject(json: string, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new CheckpointError(`${path}: the header is not JSON; not a safetensors file, or damaged`);
  }
  if (!isRecord(value)) throw new CheckpointError(`${path}: the header is not a JSON object`);
  return value;
}

function parseMetadata(value: unknown, path: string): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value) || Object.values(value).some((text) => typeof text !== "string")) {
    throw new CheckpointError(`${path}: __metadata__ must map names to strings`);
  }
  return value as Record<string, string>;
}

function parseEntry(name: string, value: unknown, path: string): Entry {
  const fail = (problem: string) => new CheckpointError(`${path}: tensor "${name}": ${problem}`);
  if (!isRecord(value)) throw fail("the entry is not a JSON object");
  const { dtype, shape, data_offsets: offsets } = value;
  const format = typeof dtype === "string" ? formatByName(dtype) : undefined;
  if (!format) throw fail(`dtype ${JSON.stringify(dtype)} is not supported`);
  if (!isSizes(shape)) throw fail(`shape ${JSON.stringify(shape)} is not a list of sizes`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw fail(`data_offsets ${JSON.stringify(offsets)} are not a range`);
  }
  // A size of 0 must not hide others whose product overflows.
  const extent = shape.reduce((product, size) => product * Math.max(size, 1), format.bytes);
  if (shape.length > mostDimensions || !Number.isSafeInteger(extent))
    throw fail(`shape ${JSON.stringify(shape)} is too large`);
  const [begin, end] = offsets as [number, number];
  const bytes = shape.reduce((product, size) => product * size, format.bytes);
  if (!Number.isSafeInteger(bytes) || end - begin !== bytes) {
    throw fail(`${dtype} [${shape.join(", ")}] takes ${bytes} bytes, but data_offsets span ${end - begin}`);
  }
  return { name, format, shape, begin, end };
}

function checkLayout(entries: Entry[], dataBytes: number, path: string): void {
  const ordered = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const { name, begin, end } of ordered) {
    if (end > dataBytes) {
      throw new CheckpointError(
        `${path}: tensor "${name}": ends at byte ${end} of ${dataBytes}; the file is cut short or damaged`,
      );
    }
    if (begin < position) throw new CheckpointError(`${path}: tensor "${name}": overlaps another tensor`);
    if (begin > position) throw new CheckpointError(`${path}: tensor "${name}": a gap lies before it`);
    position = end;
  }
  if (position < dataBytes)
    throw new CheckpointError(`${path}: ${dataBytes - position} bytes belong to no tensor`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}
