import { createHash, type Hash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import type { Module, Tensor } from "@disback/torch";

/** Files and tensors are hashed in pieces, because Node refuses more than 2 GiB at once. */
const PIECE_BYTES = 16 * 2 ** 20;

/** SHA-256 of a file of any size, in hexadecimal, and its size. */
export function hashFile(path: string): { bytes: number; sha256: string } {
  const hash = createHash("sha256");
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  const descriptor = openSync(path, "r");
  try {
    let bytes = 0;
    for (;;) {
      const length = readSync(descriptor, piece, 0, PIECE_BYTES, bytes);
      if (length === 0) return { bytes, sha256: hash.digest("hex") };
      hash.update(piece.subarray(0, length));
      bytes += length;
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Adds a tensor's bytes, row-major, to a hash. */
export function hashTensor(hash: Hash, tensor: Tensor): void {
  const flat = tensor.detach().reshape([-1]);
  const elements = flat.numel;
  const perPiece = Math.max(1, Math.floor(PIECE_BYTES / 8));
  for (let start = 0; start < elements; start += perPiece) {
    const piece = flat.narrow(0, start, Math.min(perPiece, elements - start));
    hash.update(piece.bytes());
    piece.dispose();
  }
  flat.dispose();
}

/** What was hashed, and the marks of its weights at that time. */
const known = new WeakMap<Module, { marks: string; hash: string }>();

/**
 * SHA-256 of a module's keys, shapes and weights, in hexadecimal. It identifies the model that a trajectory belongs to.
 * Weights that did not change since the last call are not hashed again.
 */
export function fingerprint(module: Module): string {
  const marks = marksOf(module);
  const before = known.get(module);
  const hash = before?.marks === marks ? before.hash : hashModule(module);
  known.set(module, { marks, hash });
  return hash;
}

/** Runs something that moves a module's weights elsewhere without changing them: its fingerprint stays known. */
export function keepingFingerprint<Result>(module: Module, move: () => Result): Result {
  const hash = fingerprint(module);
  const result = move();
  known.set(module, { marks: marksOf(module), hash });
  return result;
}

/** Where the weights lie, and libtorch's counters of writes to them. */
function marksOf(module: Module): string {
  return [...module.stateDict()]
    .map(([key, tensor]) => `${key} ${tensor.dtype} ${tensor.address} ${tensor.version}`)
    .join();
}

function hashModule(module: Module): string {
  const hash = createHash("sha256");
  for (const [key, tensor] of [...module.stateDict()].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${key} [${tensor.shape.join(",")}] ${tensor.dtype}\n`);
    hashTensor(hash, tensor);
  }
  return hash.digest("hex");
}
