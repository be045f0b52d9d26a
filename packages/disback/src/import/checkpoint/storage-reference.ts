import { shown } from "../pickle/text-values.js";
import { PickleGlobal, PickleTuple, type PickleValue } from "../pickle/values.js";
import { formatOfStorage, type NumberFormat } from "./storage-types.js";

/** A reference in a checkpoint's pickle to numbers stored outside it. */
export interface StorageReference {
  format: NumberFormat;
  key: string;
  /** how many numbers */
  length: number;
}

/** Reads ("storage", class, key, device, length, …). */
export function storageReference(id: PickleValue, fail: (problem: string) => never): StorageReference {
  const [kind, type, key, , length, view] = id instanceof PickleTuple ? id.items : [];
  if (kind !== "storage") return fail("it refers to something that is not a storage");
  const format = type instanceof PickleGlobal ? formatOfStorage(type.name) : undefined;
  if (!format) {
    return fail(
      `storage of type ${type instanceof PickleGlobal ? shown(type.name) : "unknown"} is not supported`,
    );
  }
  if (typeof key !== "string" || key.length > 500) return fail("a storage without a key");
  if (typeof length !== "number" || !Number.isSafeInteger(length) || length < 0) {
    return fail(`storage ${shown(key)} without a length`);
  }
  if (view !== undefined && view !== null)
    return fail(`storage ${shown(key)} is part of another: not supported`);
  return { format, key, length };
}
