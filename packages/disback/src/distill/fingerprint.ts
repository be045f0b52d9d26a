import { createHash } from "node:crypto";
import type { Module } from "@disback/torch";

/** SHA-256 of a module's keys, shapes and weights, in hexadecimal: says which model a trajectory belongs to. */
export function fingerprint(module: Module): string {
  const hash = createHash("sha256");
  for (const [key, tensor] of [...module.stateDict()].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${key} [${tensor.shape.join(",")}] ${tensor.dtype}\n`);
    hash.update(tensor.bytes());
  }
  return hash.digest("hex");
}
