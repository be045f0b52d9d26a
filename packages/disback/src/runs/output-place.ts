import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { DisbackError } from "../errors.js";
import { fileError, removeIfPossible } from "./atomic-file.js";
import type { Progress } from "./progress.js";

/** Options of writing an output. */
export interface OutputPlace {
  out: string;
  /** rename what is there (it is never deleted) */
  force: boolean;
  progress: Progress;
}

/** @throws DisbackError if `out` exists without `force`; an empty folder does not count */
export function refuseOccupied({ out, force }: OutputPlace): void {
  if (!force && occupied(out)) {
    throw new DisbackError(`${out}: already there; choose another place or give --force`);
  }
}

/**
 * Makes a file or folder that appears only when it is complete, and files beside it.
 * @param make writes it at the given path, which has the name of `out`, in an existing folder of its own; what else it
 *   writes there is put beside `out`
 * @throws DisbackError naming `out` if it exists or cannot be written
 */
export async function makeInPlace<T>(
  place: OutputPlace,
  make: (partial: string) => T | Promise<T>,
): Promise<T> {
  refuseOccupied(place);
  const target = resolve(place.out);
  const name = basename(target);
  const folder = join(dirname(target), `.${name}.${process.pid}.partial`);
  const partial = join(folder, name);
  try {
    createFolder(folder, place.out);
    const made = await make(partial);
    // What lies beside it comes first: it is complete when it appears.
    const beside = readdirSync(folder).filter((other) => other !== name);
    const all = [...beside, name].map((one) => ({
      from: join(folder, one),
      place: { ...place, out: join(dirname(place.out), one) },
    }));
    for (const { place: one } of all) refuseOccupied(one);
    for (const { from, place: one } of all) putInPlace(from, resolve(one.out), one);
    return made;
  } catch (error) {
    if (error instanceof DisbackError) throw new DisbackError(error.message.replaceAll(partial, place.out));
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw fileError("write", place.out, error);
    throw error;
  } finally {
    removeIfPossible(folder);
  }
}

function createFolder(folder: string, out: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw fileError("write", out, error);
  }
}

function occupied(path: string): boolean {
  return existsSync(path) && !(statSync(path).isDirectory() && readdirSync(path).length === 0);
}

function putInPlace(partial: string, target: string, { out, progress }: OutputPlace): void {
  try {
    if (occupied(target)) {
      let number = 1;
      while (existsSync(`${target}.old-${number}`)) number++;
      renameSync(target, `${target}.old-${number}`);
      progress.notice(`${out} already existed: renamed to ${out}.old-${number}`);
    }
    renameSync(partial, target);
  } catch (error) {
    throw fileError("write", out, error);
  }
}
