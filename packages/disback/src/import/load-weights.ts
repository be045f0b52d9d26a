import { fromTypedArray, keep, type Module, noGrad, ops, scope, type Tensor } from "@disback/torch";
import { AssembledTensor, type Piece, piecesOf, type StoredWeight } from "./checkpoint/assembled-tensor.js";
import type { StoredNumbers } from "./checkpoint/stored-tensor.js";

type Fail = (problem: string) => never;

/** Buffers that follow from the configuration, and that foreign files may lack: iDDPM's noise levels, filters. */
const isComputed = (key: string) => key === "u" || key.endsWith("resample_filter");
const keysShown = 4;

/**
 * Copies stored weights into a network, converting their dtype. All keys and shapes are checked before anything is
 * read; a storage is read once. @param fail called with keys that are missing, unexpected or of another shape, and with
 * weights that are not finite @param nameInFile a weight's key in the file, for messages; default: the same
 */
export async function loadStoredWeights(
  module: Module,
  weights: ReadonlyMap<string, StoredWeight>,
  fail: Fail,
  nameInFile: (key: string) => string = (key) => key,
): Promise<void> {
  const targets = module.stateDict();
  checkKeys(targets, weights, nameInFile, fail);
  const nameOf = (key: string) => {
    const weight = weights.get(key);
    return weight instanceof AssembledTensor ? weight.name : nameInFile(key);
  };
  const pieces = [...weights].flatMap(([key, weight]) => piecesOf(weight).map((piece) => ({ key, piece })));
  const uses = new Map<StoredNumbers, number>();
  for (const { piece } of pieces) uses.set(piece.from.numbers, (uses.get(piece.from.numbers) ?? 0) + 1);
  const open = new Map<StoredNumbers, Tensor>();
  try {
    for (const { key, piece } of pieces) {
      const { numbers } = piece.from;
      const row = open.get(numbers) ?? toRow(numbers, await numbers.read(), nameOf(key), fail);
      open.set(numbers, row);
      noGrad(() => scope(() => copyPiece(nameOf(key), targets.get(key)!, piece, row, fail)));
      uses.set(numbers, uses.get(numbers)! - 1);
      if (uses.get(numbers) === 0) {
        row.dispose();
        open.delete(numbers);
      }
    }
  } finally {
    for (const row of open.values()) row.dispose();
  }
}

function checkKeys(
  targets: Map<string, Tensor>,
  weights: ReadonlyMap<string, StoredWeight>,
  nameInFile: (key: string) => string,
  fail: Fail,
): void {
  const missing = [...targets.keys()].filter((key) => !weights.has(key) && !isComputed(key));
  if (missing.length > 0) fail(`missing weights: ${list(missing.map(nameInFile))}`);
  const unexpected = [...weights.keys()].filter((key) => !targets.has(key));
  if (unexpected.length > 0) fail(`unexpected weights: ${list(unexpected.map(nameInFile))}`);
  for (const [key, weight] of weights) {
    const { shape } = weight;
    const expected = targets.get(key)!.shape;
    if (shape.join() !== expected.join()) {
      fail(`${nameInFile(key)} has shape [${shape.join(", ")}] instead of [${expected.join(", ")}]`);
    }
    const given = piecesOf(weight).reduce((sum, { from }) => sum + size(from.shape), 0);
    if (given !== size(expected))
      fail(`${nameInFile(key)}: ${given} of ${size(expected)} numbers are present`);
  }
}

const size = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);

function list(keys: string[]): string {
  const shown = keys.slice(0, keysShown).join(", ");
  return keys.length > keysShown ? `${shown} and ${keys.length - keysShown} more` : shown;
}

/** All numbers of a storage, as a tensor with one dimension. */
function toRow(
  { dtype, itemBytes, length, bigEndian }: StoredNumbers,
  bytes: Uint8Array,
  key: string,
  fail: Fail,
): Tensor {
  if (bytes.length !== length * itemBytes)
    fail(`${key}: ${bytes.length} bytes are stored for ${length} numbers`);
  const native = bigEndian && itemBytes > 1 ? swapped(bytes, itemBytes) : bytes;
  return scope(() => keep(ops.view_dtype(fromTypedArray(native, [native.length]), dtype)));
}

function swapped(bytes: Uint8Array, itemBytes: number): Uint8Array {
  const copy = Buffer.from(bytes);
  if (itemBytes === 2) return copy.swap16();
  return itemBytes === 4 ? copy.swap32() : copy.swap64();
}

function copyPiece(key: string, weight: Tensor, piece: Piece, row: Tensor, fail: Fail): void {
  const { shape, stride, offset } = piece.from;
  const target = ops.as_strided(weight, [...shape], [...piece.stride], piece.offset);
  const value = ops.as_strided(row, [...shape], [...stride], offset).to(target.dtype);
  if (value.numel > 0 && !value.isfinite().all().item()) fail(`${key} holds infinity or NaN`);
  // Resampling uses the configuration, so the stored kernel must agree.
  if (key.endsWith("resample_filter") && target.sub(value).abs().max().item() > 1e-6) {
    fail(`${key} differs from resampleFilter`);
  }
  target.copy_(value);
}
