import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DisbackError } from "../errors.js";
import { parsedBy } from "../parsed-by.js";
import { nodeStorageSchema } from "./node-storage.js";

export const manifestFile = "trajectory.json";

/** Pattern of node file names. */
export const nodeFile = /^node-\d+\.safetensors$/;

export const nodeSchema = z.object({
  /** recording step after which the node was saved */
  step: z.number().int().min(1),
  /** file with the weights, in the trajectory's folder */
  file: z.string().regex(nodeFile, "must be a plain file name"),
  /** distance to the previous node (for the first, to the teacher), see `Outline` */
  distance: z.number().min(0),
  /** denoising loss on the student's samples when it was saved */
  loss: z.number(),
  /** size of the file; missing in version 1 */
  bytes: z.int().min(0).optional(),
  /** SHA-256 of the file, in hexadecimal; missing in version 1 */
  sha256: z
    .string()
    .regex(/^[\da-f]{64}$/, "must be 64 hexadecimal digits")
    .optional(),
});

/** Version 1 had full nodes only, and neither their sizes nor checksums. */
const manifestSchema = z.object({
  format: z.literal("disback-trajectory"),
  version: z.union([z.literal(1), z.literal(2)], "must be 1 or 2; a newer disback wrote this trajectory"),
  /** fingerprint of the teacher, the trajectory's end */
  teacher: z.string(),
  /** how the nodes' weights are stored */
  storage: nodeStorageSchema.default({ kind: "full" }),
  /** origin: seeds, steps, schedule, generator, versions */
  provenance: z.record(z.string(), z.unknown()),
  nodes: z.array(nodeSchema),
});

/** The content of `trajectory.json`. */
export type Manifest = z.output<typeof manifestSchema>;

/** @throws DisbackError naming the manifest and what is wrong with it */
export function readManifest(folder: string): Manifest {
  const path = join(folder, manifestFile);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new DisbackError(
      error instanceof SyntaxError
        ? `${path}: not valid JSON`
        : `${folder}: not a trajectory (no ${manifestFile} in it)`,
    );
  }
  return { ...parsedBy(manifestSchema, value, path), version: 2 };
}

/** Writes the file atomically. */
export function writeManifest(folder: string, manifest: Manifest): void {
  const path = join(folder, manifestFile);
  writeFileSync(`${path}.tmp`, `${JSON.stringify(manifest, null, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}
