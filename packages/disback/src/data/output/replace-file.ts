import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { DisbackError } from "../../errors.js";

/**
 * Writes or replaces a file atomically. Missing folders are made.
 * @param parts written one after the other
 * @throws DisbackError naming the file if it cannot be written (no space, no permission, …)
 */
export async function replaceFile(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.${process.pid}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, "w");
    try {
      for (const part of parts) await file.writeFile(part);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    if (error instanceof DisbackError) throw error;
    throw new DisbackError(`cannot write ${path} (${(error as Error).message})`);
  }
}
